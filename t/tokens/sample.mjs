/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: node sample.mjs > ../fixtures/tokens/sample.txt
 *
 * Makes the sample that the C tests count: a line for each text, which is
 * given in hexadecimal, then its tokens of cl100k_base and of o200k_base.
 */

import { get_encoding } from 'tiktoken';

import * as texts from './texts.mjs';

const encodings = ['cl100k_base', 'o200k_base'].map(get_encoding);

const sample = [
    '', ' ', 'hello world', "it's I'LL don'T we'ſ", '<|endoftext|>',
    'a'.repeat(1000), ' '.repeat(1000), '漢字'.repeat(200), '😀'.repeat(100),
    ...texts.patterns(150), ...texts.blocks(40), ...texts.blanks(40),
    ...texts.sentences(40), ...texts.code(60).slice(0, 60),
    ...texts.json(20), ...texts.base64(10), ...texts.broken(60),
    ...texts.runs(20), ...texts.letters(60),
];

for (const text of sample) {
    const bytes = Buffer.from(text);
    const string = new TextDecoder('utf-8', { ignoreBOM: true })
        .decode(bytes);

    if (bytes.length <= 1500) {
        const tokens = encodings.map(encoding =>
            [...encoding.encode_ordinary(string)].join(',') || '-');

        console.log(`${bytes.toString('hex') || '-'} ${tokens.join(' ')}`);
    }
}
