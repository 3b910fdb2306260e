/**
 * The rules for the mini-program's WXML and JavaScript, wherever the folder lies:
 *
 *     cd miniprogram && eslint --config ../tests/miniprogram/eslint.config.mjs .
 *
 * The plugins lie beside this file, or where CAIJI_NODE_CHECKS says.
 */

import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const tools = process.env.CAIJI_NODE_CHECKS;
const fromTools = createRequire(tools ? `${resolve(tools)}/` : import.meta.url);
const wxml = fromTools('eslint-plugin-wxml');
const parser = fromTools('@wxml/parser');
const js = fromTools('@eslint/js');

const GLOBALS = ['wx', 'App', 'Page', 'Component', 'Behavior', 'getApp', 'getCurrentPages', 'console', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'];

export default [
  { ignores: ['types/**', 'node_modules/**'] },
  {
    files: ['**/*.js'],
    languageOptions: {
      ecmaVersion: 2020,
      sourceType: 'commonjs',
      globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])),
    },
    rules: {
      ...js.configs.recommended.rules,
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-unused-vars': ['error', { caughtErrors: 'none' }],
      'max-lines': ['error', 400],
    },
  },
  {
    files: ['**/*.wxml'],
    plugins: { wxml },
    languageOptions: { parser },
    rules: {
      'wxml/report-wxml-syntax-error': 'error',
      'wxml/report-interpolation-error': 'error',
      'wxml/no-duplicate-attributes': 'error',
      'wxml/no-inconsistent-tagname': 'error',
      'wxml/no-inline-wxs': 'error',
      'wxml/no-vue-directive': 'error',
      'wxml/no-wx-for-with-wx-else': 'error',
      'wxml/no-wx-for-with-wx-if': 'error',
      'wxml/no-wx-if-string': 'error',
      'wxml/wx-key': 'error',
    },
  },
];
