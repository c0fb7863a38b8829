/** Of the program and of its documents; the same as in package.json, which a test compares. */
export const VERSION = '0.1.0';
