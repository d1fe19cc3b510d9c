const DIGIT = /\p{Nd}/gu;

/** A text with the digits of other scripts (`٣`, `३`), as keyboards type them, in those that are read here. */
export function plainDigits(text: string): string {
  return text.replace(DIGIT, (digit) => {
    let zero = digit.codePointAt(0) ?? 0;
    const from = zero;
    // Unicode has the digits of each script in a row, beginning with its zero.
    while (/^\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((from - zero) % 10);
  });
}
