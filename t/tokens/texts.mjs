/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Texts to count tokens of: the same ones each time, for the same Node.js.
 */

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = fileURLToPath(new URL('.', import.meta.url));
export const root = join(here, '../..');

let state = 1;


/* A number below n. */

export function random(n) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;

    return Math.floor(state / 4294967296 * n);
}


export function pick(list) {
    return list[random(list.length)];
}


function repeat(n, make) {
    return Array.from({ length: n }, (_, i) => make(i));
}


/* All files below a directory whose names match, sorted. */

export function files(dir, pattern) {
    const found = [];

    for (const name of readdirSync(dir).sort()) {
        const path = join(dir, name);

        if (statSync(path).isDirectory()) {
            if (!/^(node_modules|\.git|build.*)$/.test(name)) {
                found.push(...files(path, pattern));
            }

        } else if (pattern.test(name)) {
            found.push(path);
        }
    }

    return found;
}


const read = path => readFileSync(path, 'utf8');


/* Parts of a text, cut between characters. */

export function slices(text, n, longest) {
    const chars = [...text];

    return repeat(n, () => {
        const from = random(chars.length);

        return chars.slice(from, from + 1 + random(longest)).join('');
    });
}


/*
 * Every character, where it decides on how the text is cut: alone, within a
 * word, before and behind one, between numbers, signs and blanks.
 */

export function* characters() {
    for (let code = 0; code < 0x110000; code++) {
        if (code < 0xd800 || code > 0xdfff) {
            const c = String.fromCodePoint(code);

            yield `${c} a${c}b ${c}C${c}d1${c}2 .${c}!${c}${c}e'${c}`
                + `\n ${c}\n  ${c}${c}`;
        }
    }
}


/* Short texts of characters that the patterns treat in different ways. */

const critical = [
    ...'aZéßÀǅʰªक字ぁ1²½Ⅷ٣_-/.!?$€"()',
    ...' \t\n\r\v\f\u0085\u00a0\u2028\u2029\u3000\u200b\ufeff\u180e',
    ...'\u0301\u0903\u20dd\ufe0f\u200d\u0345', '😀', '𝒜', '𐐀', '👩‍👩‍👧', '\0',
    ...`''''sStTrReEvVmMlLdDſK`, "'ll", "'RE", "'Ve", "'ſ", '\r\n', '  ',
    '<|endoftext|>', '<|fim_prefix|>', '\ufffd',
];

export function patterns(n) {
    return repeat(n, () => repeat(1 + random(12), () => pick(critical))
        .join(''));
}


/* Any characters, of one or few blocks of Unicode. */

export function blocks(n) {
    return repeat(n, () => {
        const bases = repeat(1 + random(3), () => random(0x20000) & ~0x3f);

        return repeat(1 + random(40), () => {
            const code = pick(bases) + random(64);

            return code >= 0xd800 && code <= 0xdfff ? ' '
                : String.fromCodePoint(code);
        }).join('');
    });
}


export function blanks(n) {
    const kinds = [' ', ' ', ' ', '\t', '\n', '\n', '\r\n', '\r', '\v', '\f',
        '\u0085', '\u00a0', '\u1680', '\u2003', '\u2028', '\u2029', '\u202f',
        '\u205f', '\u3000'];

    return repeat(n, () => repeat(1 + random(5), () =>
        pick(kinds).repeat(1 + random(random(20) ? 6 : 200))
            + pick(['', '', 'x', 'x ', '7', '.', '字'])).join(''));
}


/* Names of places, languages and currencies in many languages. */

const locales = ['en', 'de', 'fr', 'es', 'pl', 'tr', 'vi', 'ru', 'uk', 'el',
    'he', 'ar', 'fa', 'hi', 'bn', 'ta', 'th', 'ka', 'am', 'zh', 'ja', 'ko'];

const known = new Map();

export function words(locale) {
    if (!known.has(locale)) {
        const letters = repeat(26, i => String.fromCharCode(97 + i));
        const pairs = letters.flatMap(a => letters.map(b => a + b));

        known.set(locale, [
            ['region', pairs.map(pair => pair.toUpperCase())],
            ['language', pairs],
            ['currency', Intl.supportedValuesOf('currency')],
        ].flatMap(([type, codes]) => {
            const names = new Intl.DisplayNames(locale, { type });

            return codes.map(code => names.of(code))
                .filter((name, i) => name !== codes[i]);
        }));
    }

    return known.get(locale);
}


const joints = {
    zh: ['的', '是', '在', '和', '，', '。', '我们认为', '可以通过', '、'],
    ja: ['の', 'は', 'を', 'に', 'が', 'です。', '、', 'という', 'について'],
    ko: [' ', '은 ', '는 ', '을 ', '에서 ', '. ', '그리고 '],
};

export function sentence(locale, n) {
    const glue = joints[locale] ?? [' ', ' ', ' ', ', ', '. ', ' - ', "'s "];

    return repeat(n, () => pick(words(locale)) + pick(glue)).join('');
}


export function sentences(n) {
    return repeat(n, () => sentence(pick(locales), 1 + random(20)));
}


/* Ten languages are in code.txt, others are what the project is made of. */

export function code(n) {
    const sources = [join(here, 'code.txt'), join(root, 'Makefile'),
        ...files(join(root, 'src'), /\.[ch]$/),
        ...files(join(root, 't'), /\.(c|t|pm|mjs|json)$/),
        ...files(join(root, 'tools'), /^[^.]+$/),
        ...files(join(here, 'node_modules/gpt-tokenizer/src'),
            /(?<!Ranks.*|ranks.*)\.ts$/)];

    const texts = sources.map(read).filter(text => text.length < 200000);

    return texts.flatMap(text =>
        slices(text, Math.ceil(n / texts.length), 600));
}


export function json(n) {
    const value = depth => {
        switch (random(depth > 3 ? 4 : 6)) {
        case 0: return random(1e9) / pick([1, 10, 1e6]);
        case 1: return pick([true, false, null]);
        case 2: return sentence(pick(locales), 1 + random(3));
        case 3: return patterns(1)[0];
        case 4: return repeat(random(5), () => value(depth + 1));
        default: return Object.fromEntries(repeat(random(5), () =>
            [pick(words('en')), value(depth + 1)]));
        }
    };

    return repeat(n, () =>
        JSON.stringify(value(0), null, pick([0, 0, 2, 4, '\t'])));
}


export function bytes(n) {
    return Buffer.from(repeat(n, () => random(256)));
}


export function base64(n) {
    return repeat(n, () => bytes(1 + random(300)).toString(
        pick(['base64', 'base64url', 'hex'])));
}


/* Bytes that are not UTF-8, or UTF-8 that was broken. */

export function broken(n) {
    return repeat(n, () => {
        if (random(2)) {
            return bytes(1 + random(100));
        }

        const text = Buffer.from(sentence(pick(locales), 1 + random(6)));

        for (let i = random(4); i >= 0; i--) {
            text[random(text.length)] = random(256);
        }

        return text.subarray(random(3), text.length - random(3));
    });
}


/* Long pieces, which the reference takes a time for that grows fast. */

export function runs(n) {
    const units = ['a', 'A', 'ab', 'é', '字', '漢字', 'ж', '😀', '👩‍👩‍👧', ' ', '\n',
        ' \n', '\t', '=', '-=', '.', '/', 'aA', 'क', 'का', '한', 'abcdefgh',
        'the', '0', 'x'];

    return repeat(n, () => {
        const unit = pick(units);

        return pick(['', ' ', 'b']) + unit.repeat(
            Math.ceil(random(random(4) ? 100 : 2000) / unit.length))
            + pick(['', ' ', 'c', '\n']);
    });
}


export function letters(n) {
    const alphabets = ['abcdefghijklmnopqrstuvwxyz', 'etaoinshr', 'ab',
        'abcABC', 'абвгдежзиклмно', 'いうえおかきくけこ', '的一是不了人我在有他这',
        '가나다라마바사', 'αβγδεζηθ', 'اأبتثجحخ', '-=_.*#/'];

    return repeat(n, () => {
        const alphabet = [...pick(alphabets)];

        return repeat(1 + random(random(10) ? 30 : 400),
            () => pick(alphabet)).join('');
    });
}


/* What clients and ARGO have sent to each other. */

export function recordings() {
    const dirs = [join(root, 't/fixtures')];

    if (process.env.ARGO_RECORDINGS) {
        dirs.push(process.env.ARGO_RECORDINGS);
    }

    return dirs.flatMap(dir => files(dir, /./)).map(path =>
        readFileSync(path)).filter(text => text.length < 100000);
}
