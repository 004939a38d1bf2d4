import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-plugin-prettier/recommended';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules', 'lib', 'coverage', '**/*.{js,mjs,mts}'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        project: 'tsconfig.test.json',
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      curly: ['error', 'all'],
      eqeqeq: 'error',
      // Lumino's signals take a method and its `this`.
      '@typescript-eslint/unbound-method': 'off',
      // Jupyter keeps a class's options in a namespace of the class's name.
      '@typescript-eslint/no-namespace': 'off'
    }
  },
  // The import layers of src/: each may use those before it.
  layer('services', [
    'model',
    'ai',
    'artifacts',
    'cells',
    'history',
    'runtime',
    'saving',
    'plugins'
  ]),
  layer('model', [
    'ai',
    'artifacts',
    'cells',
    'history',
    'runtime',
    'saving',
    'plugins'
  ]),
  layer('artifacts', [
    'model',
    'ai',
    'cells',
    'history',
    'runtime',
    'saving',
    'plugins'
  ]),
  layer('cells', ['ai', 'history', 'runtime', 'saving', 'plugins']),
  layer('history', ['ai', 'cells', 'runtime', 'saving', 'plugins']),
  layer('ai', ['cells', 'history', 'saving', 'runtime', 'plugins']),
  layer('saving', ['ai', 'cells', 'history', 'runtime', 'plugins']),
  layer('runtime', ['ai', 'cells', 'history', 'saving', 'plugins']),
  // Not under a `files` of TypeScript: it brings its own parsers.
  { plugins: { jupyter } },
  jupyter.configs.recommended,
  { ...prettier, files: ['**/*.ts', '**/*.tsx'] }
);

function layer(name, above) {
  return {
    files: [`src/${name}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: above.map(folder => `../${folder}/*`) }
      ]
    }
  };
}
