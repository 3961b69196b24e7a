export function treeFingerprint(root: string): string | undefined;
