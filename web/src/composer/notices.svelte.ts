// What did not work in the bar, until the user has seen it or tries again.

export interface Notice {
  readonly text: string;
  readonly again?: () => void;
}

let shown = $state.raw<readonly Notice[]>([]);

/** The notices, the oldest first. */
export const notices = {
  get now(): readonly Notice[] {
    return shown;
  },
};

/** Show a notice; one with the same words is replaced. */
export function notify(text: string, again?: () => void): void {
  shown = [...shown.filter((other) => other.text !== text), { text, again }];
}

export function dismiss(notice: Notice): void {
  shown = shown.filter((other) => other !== notice);
}

/** What was complained about is of the past as soon as the query changes. */
export function dismissAll(): void {
  if (shown.length) shown = [];
}
