// The API's own description (OpenAPI 3.1) as what its reference shows.

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  prefixItems?: Schema[];
  additionalProperties?: Schema | boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  description?: string;
  $ref?: string;
}
type Content = Record<string, { schema?: Schema }>;
interface Described {
  tags?: string[];
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema; description?: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}
export interface Description {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
}

export interface Field {
  name: string;
  type: string;
  required: boolean;
  text: string;
}
interface Operation {
  key: string;
  method: string;
  path: string;
  text: string;
  parameters: Field[];
  body: Field[];
  answers: { status: string; type: string; fields: Field[] }[];
}
export interface Group {
  name: string;
  operations: Operation[];
}

/** The operations, grouped by the first noun of their path; those of the server itself come last. */
export function groupsOf({ paths, components }: Description): Group[] {
  const groups = new Map<string, Operation[]>();
  for (const [path, methods] of Object.entries(paths).sort(([one], [other]) => Number(isOfServer(one)) - Number(isOfServer(other)))) {
    const name = isOfServer(path) ? "server" : path.split("/")[2]!;
    for (const [method, described] of Object.entries(methods)) {
      groups.set(name, [...(groups.get(name) ?? []), operationOf(method, path, described, components.schemas)]);
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }));
}

const isOfServer = (path: string): boolean => !path.startsWith("/v1/");

function operationOf(method: string, path: string, described: Described, schemas: Record<string, Schema>): Operation {
  return {
    key: `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    text: described.description ?? "",
    parameters: (described.parameters ?? []).map(({ name, schema = {}, required = false, description = "" }) => ({
      name,
      type: typeOf(schema),
      required,
      text: description,
    })),
    body: fieldsOf(schemaIn(described.requestBody?.content), schemas),
    answers: Object.entries(described.responses)
      .filter(([status]) => status < "400")
      .map(([status, { content }]) => ({ status, type: answerType(content), fields: fieldsOf(schemaIn(content), schemas) })),
  };
}

const schemaIn = (content: Content = {}): Schema => Object.values(content)[0]?.schema ?? {};

const answerType = (content: Content = {}): string => {
  const [mime = ""] = Object.keys(content);
  return mime === "application/json" ? typeOf(schemaIn(content)) : mime;
};

/** The fields of an object; of a choice of objects, those of each, with its name before the field. */
function fieldsOf(schema: Schema, schemas: Record<string, Schema>): Field[] {
  if (schema.$ref) return fieldsOf(schemas[nameOf(schema.$ref)] ?? {}, schemas);
  if (schema.oneOf) {
    return schema.oneOf.flatMap((one) => fieldsOf(one, schemas).map((field) => ({ ...field, name: `${typeOf(one)}.${field.name}` })));
  }
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    type: typeOf(field),
    required: schema.required?.includes(name) ?? false,
    text: field.description ?? "",
  }));
}

const nameOf = (reference: string): string => reference.split("/").at(-1) ?? reference;

/** A type as people write it: string, integer[], Modality, "fast" | "full". */
export function typeOf(schema: Schema): string {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(" | ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(", ")}]`;
  if (schema.type === "array") return listOf(schema.items ?? {});
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return `{name: ${typeOf(schema.additionalProperties)}}`;
  return [schema.type ?? "any"].flat().join(" | ");
}

function listOf(items: Schema): string {
  const type = typeOf(items);
  return type.includes(" ") ? `(${type})[]` : `${type}[]`;
}
