/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: node check.mjs encode tables
 *
 * Compares the tokens of many texts with those that the reference makes;
 * "encode" is made of encode.c, "tables" the directory of the token tables.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { get_encoding } from 'tiktoken';

import * as texts from './texts.mjs';

const [encode, tables] = process.argv.slice(2);
const encodings = ['cl100k_base', 'o200k_base'];

const sets = [
    ['every character', texts.characters()],
    ['patterns', texts.patterns(60000)],
    ['blocks of Unicode', texts.blocks(20000)],
    ['blanks', texts.blanks(15000)],
    ['22 languages', texts.sentences(15000)],
    ['code', texts.code(12000)],
    ['JSON', texts.json(6000)],
    ['base64 and hex', texts.base64(6000)],
    ['wrong UTF-8', texts.broken(20000)],
    ['runs', texts.runs(3000)],
    ['random letters', texts.letters(20000)],
    ['recordings', texts.recordings()],
];

let failed = 0;
let total = 0;

for (const [name, set] of sets) {
    const n = await compare(name, set);

    total += n;
    console.log(`${name}: ${n} texts`);
}

console.log(`${total} texts, ${encodings.length} encodings, `
    + `${failed} different`);

process.exit(failed ? 1 : 0);


async function compare(name, set) {
    let batch = [];
    let n = 0;

    for (const text of set) {
        batch.push(text);
        n++;

        if (batch.length === 20000) {
            await compareBatch(name, batch);
            batch = [];
        }
    }

    await compareBatch(name, batch);

    return n;
}


async function compareBatch(name, batch) {
    for (const encoding of encodings) {
        const ours = await run(encoding, batch);
        const reference = get_encoding(encoding);

        batch.forEach((text, i) => {
            /* U+FEFF at the begin is text as well */
            const string = typeof text === 'string' ? text
                : new TextDecoder('utf-8', { ignoreBOM: true }).decode(text);
            const theirs = reference.encode_ordinary(string);

            if (!same(ours[i], theirs) && failed++ < 20) {
                console.log(`${encoding}, ${name}: ${JSON.stringify(string)}\n`
                    + `    ours   ${[...ours[i]]}\n    theirs ${[...theirs]}`);
            }
        });

        reference.free();
    }
}


function same(a, b) {
    return a.length === b.length && a.every((token, i) => token === b[i]);
}


/* The tokens that the module makes of each text. */

async function run(encoding, batch) {
    const input = [];

    for (const text of batch) {
        const bytes = Buffer.from(text);
        const length = Buffer.alloc(4);

        length.writeUInt32LE(bytes.length);
        input.push(length, bytes);
    }

    const child = spawn(encode, [encoding, join(tables, `${encoding}.argo`)],
        { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks = [];

    child.stdout.on('data', chunk => chunks.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(Buffer.concat(input));

    const status = await new Promise(resolve => child.on('close', resolve));

    if (status !== 0) {
        throw new Error(`${encode} has failed`);
    }

    const output = Buffer.concat(chunks);
    const results = [];

    for (let at = 0; at < output.length;) {
        const n = output.readUInt32LE(at);
        const tokens = new Uint32Array(n);

        for (let i = 0; i < n; i++) {
            tokens[i] = output.readUInt32LE(at + 4 + 4 * i);
        }

        results.push(tokens);
        at += 4 + 4 * n;
    }

    return results;
}
