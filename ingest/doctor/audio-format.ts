const AAC = 10;
const SEQUENCE_HEADER = 0;
/** ISO/IEC 14496-3 table 1.18. */
const RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
  7350,
];

/** What an AAC header tells of the sound. */
export interface AudioFormat {
  readonly rateHz: number;
  /** 0: the header leaves it to the sound itself. */
  readonly channels: number;
}

/**
 * Reads the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1) of an FLV audio tag; undefined when it
 * holds none, or one with a rate that is spelled out, which encoders do not send.
 */
export function audioFormatOf(payload: Uint8Array): AudioFormat | undefined {
  const [first = 0, packetType, high, low] = payload;
  if (first >>> 4 !== AAC || packetType !== SEQUENCE_HEADER) return undefined;
  if (high === undefined || low === undefined) return undefined;
  const rateHz = RATES_HZ[((high & 7) << 1) | (low >>> 7)];
  return rateHz === undefined ? undefined : { rateHz, channels: (low >>> 3) & 0x0f };
}
