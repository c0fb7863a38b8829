/** The native part of `ws`; where it was not built it falls back to JavaScript by itself. */
declare module 'bufferutil' {
  const bufferUtil: {
    /** Takes the mask of a frame (RFC 6455, 5.3), four bytes, off `data`, in place. */
    unmask(data: Buffer, mask: Buffer): void;
  };
  export default bufferUtil;
}
