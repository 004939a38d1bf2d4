// Makes src/generated/ from the Python models; with --check, fails where it is stale.
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';

const root = fileURLToPath(new URL('..', import.meta.url));
const python = process.env.PYTHON ?? 'python';
const check = process.argv.includes('--check');

const banner = '// Made from the Python models by `npm run generate`.';

/** Every property has a title of its own, which would each become a type. */
function withoutPropertyTitles(schema) {
  if (Array.isArray(schema)) {
    return schema.map(withoutPropertyTitles);
  }
  if (schema === null || typeof schema !== 'object') {
    return schema;
  }
  const entries = Object.entries(schema).map(([key, value]) => {
    if (key !== 'properties') {
      return [key, withoutPropertyTitles(value)];
    }
    const properties = Object.entries(value).map(([name, property]) => {
      const { title: _, ...rest } = withoutPropertyTitles(property);
      return [name, rest];
    });
    return [key, Object.fromEntries(properties)];
  });
  return Object.fromEntries(entries);
}

const schemas = JSON.parse(
  execFileSync(python, ['scripts/schema.py'], { cwd: root, encoding: 'utf8' })
);
const stale = [];
for (const [name, schema] of Object.entries(schemas)) {
  const path = `${root}src/generated/${name}.ts`;
  const source = await compile(withoutPropertyTitles(schema), schema.title, {
    additionalProperties: false,
    bannerComment: banner,
    format: false,
    ignoreMinAndMaxItems: true
  });
  const text = await format(source, {
    ...(await resolveConfig(path)),
    filepath: path
  });
  if (!check) {
    await writeFile(path, text);
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    stale.push(`src/generated/${name}.ts`);
  }
}
if (stale.length > 0) {
  console.error(`Stale, run \`npm run generate\`: ${stale.join(', ')}`);
  process.exitCode = 1;
}
