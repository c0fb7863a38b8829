/** What decorators have said of classes; the mapped types of Nest ask here, too. */
declare module 'class-transformer/cjs/storage.js' {
  import type { TransformationType, TransformFnParams } from 'class-transformer';

  type Class = new () => object;

  export const defaultMetadataStorage: {
    /** `Type`; undefined where there is none. */
    findTypeMetadata(type: Class, field: string): { typeFunction: () => Class } | undefined;
    /** `Transform`, in the order in which they are carried out. */
    findTransformMetadatas(
      type: Class,
      field: string,
      kind: TransformationType,
    ): { transformFn: (params: TransformFnParams) => unknown }[];
  };
}
