/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: node tokens.mjs speed tables [seconds]
 *
 * How fast tokens are counted: by the module's code and by two npm packages,
 * in turns, in CPU time.  See README.md beside this file.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { files, random, root, sentence } from '../t/tokens/texts.mjs';

const require = createRequire(new URL('../t/tokens/', import.meta.url));
const { get_encoding } = require('tiktoken');

const [speed, tables, rounds = '5'] = process.argv.slice(2);
const SIZE = 1e6;
const LICENCES = '/usr/share/common-licenses';

const bare = { disallowedSpecial: new Set() };
const tmp = mkdtempSync(join(tmpdir(), 'argo-bench-'));
let missed = 0;

const kinds = {
    English: parts(files(LICENCES, /-\d/)),
    code: parts(files(join(root, 'src'), /\.[ch]$/)
        .concat(files(join(root, 't'), /\.(pm|t|c)$/))),
    CJK: () => sentence(['zh', 'ja', 'ko'][random(3)], 30) + '\n',
};

try {
    for (const encoding of ['cl100k_base', 'o200k_base']) {
        for (const [kind, make] of Object.entries(kinds)) {
            compare(encoding, kind, make);
        }
    }

    worst();

} finally {
    rmSync(tmp, { recursive: true });
}

process.exit(missed ? 1 : 0);


/* Parts of files in an order of chance, so that no two texts are equal. */

function parts(paths) {
    const all = paths.map(path => readFileSync(path, 'utf8'))
        .flatMap(text => text.match(/[^]{1,2000}/g) ?? []);

    return () => all[random(all.length)];
}


function text(make) {
    const out = [];

    for (let n = 0; n < SIZE;) {
        const part = make();

        out.push(part);
        n += Buffer.byteLength(part);
    }

    return out.join('');
}


/* Million bytes per second of CPU time; the best of the rounds. */

function js(count, string) {
    const before = process.cpuUsage();
    const tokens = count(string);
    const { user, system } = process.cpuUsage(before);

    return { tokens, rate: Buffer.byteLength(string) / (user + system) };
}


function ours(encoding, string) {
    const file = join(tmp, 'text');

    writeFileSync(file, string);

    const run = spawnSync(speed, [encoding,
        join(tables, `${encoding}.argo`), file], { encoding: 'utf8' });

    if (run.status !== 0) {
        throw new Error(run.stderr);
    }

    const [, tokens, nanoseconds] = run.stdout.split(' ').map(Number);

    return { tokens, rate: Buffer.byteLength(string) * 1000 / nanoseconds };
}


function compare(encoding, kind, make) {
    const reference = get_encoding(encoding);
    const gpt = require(`gpt-tokenizer/encoding/${encoding}`);
    const best = { ours: 0, tiktoken: 0, 'gpt-tokenizer': 0 };

    for (let round = 0; round < Number(rounds); round++) {
        const string = text(make);

        const results = {
            ours: ours(encoding, string),
            tiktoken: js(s => reference.encode_ordinary(s).length, string),
            'gpt-tokenizer': js(s => gpt.countTokens(s, bare), string),
        };

        for (const [who, { tokens, rate }] of Object.entries(results)) {
            if (tokens !== results.tiktoken.tokens) {
                console.log(`${who} counts ${tokens}, `
                    + `tiktoken ${results.tiktoken.tokens}`);
                missed++;
            }

            best[who] = Math.max(best[who], rate);
        }
    }

    reference.free();

    const faster = Math.max(best.tiktoken, best['gpt-tokenizer']);

    console.log(`${encoding.padEnd(12)} ${kind.padEnd(8)} `
        + Object.entries(best).map(([who, rate]) =>
            `${who} ${rate.toFixed(1).padStart(6)} MB/s`).join('  ')
        + `  ${(best.ours / faster).toFixed(1)} times the faster`);
}


/* What takes longest: 1 MB of each, in milliseconds. */

function worst() {
    const chance = alphabet => Array.from({ length: SIZE }, () =>
        alphabet[random(alphabet.length)]).join('');

    const texts = {
        'one letter': 'a'.repeat(SIZE),
        spaces: ' '.repeat(SIZE),
        'line ends': '\n'.repeat(SIZE),
        emoji: '😀'.repeat(SIZE / 4),
        'one ideograph': '字'.repeat(SIZE / 3),
        base64: Buffer.from(Array.from({ length: SIZE * 0.75 }, () =>
            random(256))).toString('base64'),
        'random letters': chance('abcdefghijklmnopqrstuvwxyz'),
        'random letters, 8': chance('etaoinsh'),
        'random bytes': Buffer.from(Array.from({ length: SIZE }, () =>
            random(256))),
    };

    for (const [name, string] of Object.entries(texts)) {
        const times = ['cl100k_base', 'o200k_base'].map(encoding =>
            (1000 / ours(encoding, string).rate).toFixed(1).padStart(6)
                + ` ms per MB in ${encoding}`);

        console.log(`${name.padEnd(18)} ${times.join('  ')}`);
    }
}
