interface TestFile {
  readonly path: string;
}

declare class LongestFirst {
  constructor(options: object);
  sort<File extends TestFile>(files: File[]): File[];
}

export = LongestFirst;
