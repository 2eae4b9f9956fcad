// The rules for the scripts in geo_service/front. What must not be imported from where is held by
// tests/front as well, which run without Node.
import js from '@eslint/js';
import globals from 'globals';

const SIZES = {
    'max-lines': ['error', { max: 500 }],
    'max-lines-per-function': ['error', { max: 60 }],
};
const TEXT_NODES = 'Values become text nodes: build elements with shared/dom.js.';
const SAFETY = {
    'no-eval': 'error',
    'no-implied-eval': 'error',
    'no-new-func': 'error',
    'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'srcdoc'].map((property) => ({
            property,
            message: TEXT_NODES,
        })),
        ...['write', 'writeln'].map((property) => ({
            object: 'document',
            property,
            message: TEXT_NODES,
        })),
    ],
};

export default [
    {
        ignores: [
            '**/*',
            '!*.mjs',
            '!geo_service/',
            'geo_service/*',
            '!geo_service/front/',
            '!geo_service/front/**',
            '**/built/**',
        ],
    },
    js.configs.recommended,
    {
        files: ['geo_service/front/**/*.js'],
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: globals.browser },
        rules: {
            ...SIZES,
            ...SAFETY,
            'array-callback-return': 'error',
            'consistent-return': 'error',
            curly: 'error',
            'default-case-last': 'error',
            eqeqeq: 'error',
            'no-else-return': 'error',
            'no-self-compare': 'error',
            'no-shadow': 'error',
            'no-unreachable-loop': 'error',
            'no-unused-expressions': 'error',
            'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
            'no-use-before-define': [
                'error',
                { functions: false, classes: false, variables: false },
            ],
            'no-var': 'error',
            'object-shorthand': 'error',
            'prefer-const': 'error',
            'prefer-template': 'error',
        },
    },
    {
        files: ['geo_service/front/map/**/*.js'],
        languageOptions: { globals: { L: 'readonly' } },
    },
    {
        files: ['geo_service/front/map/tile_*.js'],
        languageOptions: { globals: globals.worker },
    },
];
