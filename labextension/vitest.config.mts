import { defineConfig } from 'vitest/config';

// What @jupyter/ydoc and JupyterLab always print when a cell is made in jsdom.
const NOISE = /Invalid access|Not same Y\.Doc|Clipboard API not available/;

export default defineConfig({
  test: {
    environment: 'jsdom',
    // A page of its own for each file takes longer than all tests.
    isolate: false,
    include: ['src/**/*.spec.ts'],
    testTimeout: 60_000,
    setupFiles: ['./vitest.setup.ts'],
    onConsoleLog: log => !NOISE.test(log)
  }
});
