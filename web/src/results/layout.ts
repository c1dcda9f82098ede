// Rows of cards: every card of a row has the height of the row, and each row but the last fills the width.

/** The size of a card's picture, in whole pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The sizes of the cards of a row; no card can join a row that is `closed`. */
export interface Row {
  readonly sizes: readonly Size[];
  readonly closed: boolean;
}

/** Sides of rows in pixels: the `width` to fill, the wanted `height`, and the `gap` between cards. */
export interface Measure {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

// A row may be this much lower or higher than wanted. A row that cannot fill the width then keeps the wanted height.
const LEAST = 0.75;
const MOST = 1.35;

/**
 * The sizes of cards with these aspects (width / height), in their order.
 *
 * A row is filled before the next one begins, so cards that are added later never move a closed row.
 */
export function rowsOf(aspects: readonly number[], measure: Measure): Row[] {
  const rows: Row[] = [];
  let row: number[] = [];
  const close = (): void => {
    rows.push({ sizes: sizesOf(row, measure), closed: true });
    row = [];
  };
  for (const aspect of aspects) {
    if (row.length && filling([...row, aspect], measure) < LEAST * measure.height) close();
    row.push(aspect);
    if (filling(row, measure) <= measure.height) close();
  }
  return row.length ? [...rows, { sizes: sizesOf(row, measure), closed: false }] : rows;
}

/** The height at which cards in a row fill the width. */
const filling = (row: readonly number[], { width, gap }: Measure): number =>
  (width - gap * (row.length - 1)) / row.reduce((sum, aspect) => sum + aspect, 0);

function sizesOf(row: readonly number[], measure: Measure): Size[] {
  const wanted = filling(row, measure);
  const fills = wanted <= MOST * measure.height;
  const height = Math.floor(fills ? wanted : measure.height);
  const widths = row.map((aspect) => Math.floor(Math.min(aspect * height, measure.width)));
  if (fills) {
    // A row of whole pixels is a few too narrow: the first cards get one or more each.
    const lacking = measure.width - measure.gap * (row.length - 1) - widths.reduce((sum, width) => sum + width, 0);
    for (let n = 0; n < lacking; n++) widths[n % widths.length]! += 1;
  }
  return widths.map((width) => ({ width, height }));
}
