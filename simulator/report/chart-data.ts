/** What one chart shows: lines over one x axis. The report writes it, the page draws it. */
export interface ChartData {
  readonly title: string;
  readonly xLabel: string;
  /** A logarithmic x axis; x is above 0. */
  readonly isLogX?: boolean;
  /** Values of y are shares, shown in per cent. */
  readonly isShare?: boolean;
  /** Each y is held until the next x, as in a distribution. */
  readonly isStepped?: boolean;
  /** Charts of one name move their cursors together. */
  readonly cursorGroup?: string;
  readonly lines: readonly ChartLine[];
}

export interface ChartLine {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number | null])[];
}
