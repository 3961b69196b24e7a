export { jsonBounds, maxDepth, type TextBounds, yamlBounds } from "./bounds";
export { bytesWithin, TooManyBytes } from "./bytes-within";
export { type Flaw, flawText, type Reading } from "./flaw";
export { type Extent, JsonFlaw, JsonScan } from "./json-scan";
export { readJson } from "./json-text";
export { masked, maskedFields } from "./masked";
export { readYaml, type YamlReading } from "./yaml-text";
