import { assert, Random } from "../core/index.ts";
import { normal } from "./distributions.ts";

/** Where the viewers are: one continent, or the world. */
export type Region = "regional" | "global";

interface City {
  readonly name: string;
  /** Degrees north and east. */
  readonly latitude: number;
  readonly longitude: number;
  readonly isRegional: boolean;
}

const CITIES: readonly City[] = [
  ["Amsterdam", 52.4, 4.9],
  ["Athens", 38.0, 23.7],
  ["Barcelona", 41.4, 2.2],
  ["Berlin", 52.5, 13.4],
  ["Bucharest", 44.4, 26.1],
  ["Budapest", 47.5, 19.0],
  ["Copenhagen", 55.7, 12.6],
  ["Dublin", 53.3, -6.3],
  ["Frankfurt", 50.1, 8.7],
  ["Helsinki", 60.2, 24.9],
  ["Istanbul", 41.0, 29.0],
  ["Kyiv", 50.5, 30.5],
  ["Lisbon", 38.7, -9.1],
  ["London", 51.5, -0.1],
  ["Madrid", 40.4, -3.7],
  ["Milan", 45.5, 9.2],
  ["Munich", 48.1, 11.6],
  ["Oslo", 59.9, 10.8],
  ["Paris", 48.9, 2.4],
  ["Prague", 50.1, 14.4],
  ["Rome", 41.9, 12.5],
  ["Stockholm", 59.3, 18.1],
  ["Vienna", 48.2, 16.4],
  ["Warsaw", 52.2, 21.0],
]
  .map(cityOf(true))
  .concat(
    [
      ["New York", 40.7, -74.0],
      ["Los Angeles", 34.1, -118.2],
      ["Chicago", 41.9, -87.6],
      ["Dallas", 32.8, -96.8],
      ["Seattle", 47.6, -122.3],
      ["Toronto", 43.7, -79.4],
      ["Mexico City", 19.4, -99.1],
      ["Bogota", 4.7, -74.1],
      ["Sao Paulo", -23.6, -46.6],
      ["Buenos Aires", -34.6, -58.4],
      ["Lagos", 6.5, 3.4],
      ["Cairo", 30.0, 31.2],
      ["Johannesburg", -26.2, 28.0],
      ["Dubai", 25.2, 55.3],
      ["Mumbai", 19.1, 72.9],
      ["Delhi", 28.6, 77.2],
      ["Bangkok", 13.8, 100.5],
      ["Singapore", 1.4, 103.8],
      ["Jakarta", -6.2, 106.8],
      ["Manila", 14.6, 121.0],
      ["Hong Kong", 22.3, 114.2],
      ["Seoul", 37.6, 127.0],
      ["Tokyo", 35.7, 139.7],
      ["Sydney", -33.9, 151.2],
    ].map(cityOf(false)),
  );

const EARTH_RADIUS_KM = 6371;
/** Cables are longer than great circles. */
const ROUTE_STRETCH = 1.5;
const MS_PER_KM = 0.006;
const ACCESS_MEDIAN_MS = 8;
const ACCESS_SIGMA = 0.6;
/** The origin stands in a data centre. */
const DATA_CENTRE_ACCESS_MS = 1;
const ORIGIN_CITY = "Frankfurt";
/** A map with a smaller median round-trip time than this is this one, shrunk: access links and all. */
const UNSHRUNK_RTT_MS = 80;
/** Pairs that are drawn to find the median round-trip time. */
const CALIBRATION_PAIRS = 2000;

/** A host's place on the map. */
export interface Place {
  /** An index of a city: hosts of one city are near each other. */
  readonly city: number;
  /** One-way delay of the host's access link, on a map that is not shrunk. */
  readonly accessMs: number;
}

/**
 * One-way delays between hosts in cities: great circle x 1.5 x 0.006 ms/km, scaled so that the median
 * round-trip time is the wanted one, and a lognormal access delay (median 8 ms, sigma 0.6) at each end.
 * Below a median of 80 ms the whole map shrinks, down to hosts of one machine.
 */
export class Geography {
  readonly #cities: readonly City[];
  /** One-way delay between two cities, in a square. */
  readonly #betweenMs: Float64Array;
  /** What all delays are multiplied with. */
  readonly #shrinkage: number;

  /** `medianRttMs`: over 0. */
  constructor(region: Region, medianRttMs: number) {
    this.#cities = CITIES.filter(({ isRegional }) => isRegional || region === "global");
    this.#shrinkage = Math.min(1, medianRttMs / UNSHRUNK_RTT_MS);
    const scale = this.#scaleFor(medianRttMs / this.#shrinkage);
    this.#betweenMs = Float64Array.from(
      this.#cities.flatMap((a) => this.#cities.map((b) => cableMs(a, b) * scale)),
    );
  }

  /** A place for a viewer. */
  place(random: Random): Place {
    return { city: random.below(this.#cities.length), accessMs: accessMsOf(random) };
  }

  /** The origin's place. */
  origin(): Place {
    const city = this.#cities.findIndex(({ name }) => name === ORIGIN_CITY);
    assert(city >= 0, "the origin's city is on the map");
    return { city, accessMs: DATA_CENTRE_ACCESS_MS };
  }

  /** One-way delay between two places, in ms. */
  delayMs(a: Place, b: Place): number {
    const betweenMs = this.#betweenMs[a.city * this.#cities.length + b.city] as number;
    // The same in both directions, to the bit.
    return (betweenMs + (a.accessMs + b.accessMs)) * this.#shrinkage;
  }

  /** What cable delays are multiplied with. Drawn from pairs that are the same in every run. */
  #scaleFor(medianRttMs: number): number {
    const random = new Random(1);
    const pairs = Array.from({ length: CALIBRATION_PAIRS }, () => ({
      cableMs: cableMs(this.#pick(random), this.#pick(random)),
      accessMs: accessMsOf(random) + accessMsOf(random),
    }));
    const medianAt = (scale: number) => {
      const rtts = pairs.map(({ cableMs, accessMs }) => 2 * (cableMs * scale + accessMs));
      return rtts.sort((a, b) => a - b)[CALIBRATION_PAIRS / 2] as number;
    };
    assert(medianAt(0) < medianRttMs, "access links leave some of the round trip to cables");
    let [low, high] = [0, 1];
    while (medianAt(high) < medianRttMs) high *= 2;
    for (let step = 0; step < 16; step++) {
      const middle = (low + high) / 2;
      if (medianAt(middle) < medianRttMs) low = middle;
      else high = middle;
    }
    return high;
  }

  #pick(random: Random): City {
    return this.#cities[random.below(this.#cities.length)] as City;
  }
}

function cityOf(isRegional: boolean): (row: (string | number)[]) => City {
  return ([name, latitude, longitude]) => ({
    name: String(name),
    latitude: Number(latitude),
    longitude: Number(longitude),
    isRegional,
  });
}

function accessMsOf(random: Random): number {
  return ACCESS_MEDIAN_MS * Math.exp(ACCESS_SIGMA * normal(random));
}

/** One-way delay of the cable between two cities (haversine formula). */
function cableMs(a: City, b: City): number {
  const radians = Math.PI / 180;
  const sinLatitude = Math.sin(((b.latitude - a.latitude) * radians) / 2);
  const sinLongitude = Math.sin(((b.longitude - a.longitude) * radians) / 2);
  const chord =
    sinLatitude ** 2 +
    Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * sinLongitude ** 2;
  const distanceKm = 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(chord));
  return distanceKm * ROUTE_STRETCH * MS_PER_KM;
}
