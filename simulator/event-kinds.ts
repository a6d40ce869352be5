/** What happens in the world. The argument names the flight, the host, the direction or the task. */
export const EVENT = {
  /** Flight: a message came to the receiver's downlink. */
  arrived: 0,
  /** Flight: a message is through the downlink. */
  delivered: 1,
  /** Flight: a message has left the uplink. */
  drained: 2,
  /** Direction: its receiver learns that the sender closed. */
  closed: 3,
  /** Host: its peer's timeout. */
  timeout: 4,
  /** Task of the agenda. */
  task: 5,
  /** Host: its uplink, which serves flows in turn, can send the next message. */
  uplinkFree: 6,
} as const;
