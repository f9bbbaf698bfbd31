/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Runs a command-line agent for one turn, in a home and a directory of its
 * own that are thrown away, with a gateway for its only network: whatever
 * else it calls goes to a proxy that is not there.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { NativeGateway, png } from '../../sdk/lib/native.mjs';
import { patience } from '../../sdk/lib/nginx.mjs';
import { answer } from '../../sdk/lib/vendor.mjs';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const platform = `${process.platform}-${process.arch}`;

/* tcpmux; nobody has listened there for decades */
const nowhere = 'http://127.0.0.1:1';

const running = new Set();

process.on('exit', () => running.forEach((kill) => kill()));


/*
 * How to start each of them: the packages have the program for this
 * platform, or it is written in JavaScript.
 */

const programs = {
    claude: [`@anthropic-ai/claude-code-${platform}/claude`],
    codex: ['@openai/codex/bin/codex.js'],
    gemini: ['@google/gemini-cli/bundle/gemini.js'],
    opencode: [`opencode-${platform}/bin/opencode`],
};


function program(name) {
    const file = path.join(modules, ...programs[name]);

    if (!fs.existsSync(file)) {
        return undefined;
    }

    return file.endsWith('.js') ? [process.execPath, file] : [file];
}


/* Why an agent can't be tested here, or false. */

function missing(name, node) {
    if (Number(process.versions.node.split('.')[0]) < node) {
        return `${name} needs Node.js ${node}, this is ${process.version}`;
    }

    return program(name) === undefined
        && `${name} has no package for ${platform}, or "npm ci" was not run`;
}


/*
 * The place of one run: home, and a directory with a file that only a tool
 * can have read.
 */

class Place {

    constructor() {
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'argo-agent-'));
        this.home = path.join(this.dir, 'home');
        this.work = path.join(this.dir, 'work');
        this.secret = `secret-${randomBytes(8).toString('hex')}`;

        fs.mkdirSync(this.home);
        fs.mkdirSync(this.work);
        this.write('work/secret.txt', this.secret);
        this.write('work/picture.png', Buffer.from(png, 'base64'));
    }

    write(name, content) {
        const file = path.join(this.dir, name);

        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, typeof content === 'string'
            || Buffer.isBuffer(content)
            ? content : JSON.stringify(content, null, 2));
    }

    /* Runs the agent to its end: { code, stdout, stderr }. */

    async run(name, args, env = {}) {
        const [command, ...first] = program(name);
        const child = spawn(command, [...first, ...args], {
            cwd: this.work,
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe'],
            env: {
                PATH: process.env.PATH, TERM: 'dumb', LANG: 'C.UTF-8',
                HOME: this.home, TMPDIR: this.dir,
                HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere,
                NO_PROXY: '127.0.0.1,localhost',
                ...env,
            },
        });
        const kill = () => {
            try {
                process.kill(-child.pid, 'SIGKILL');
            } catch {
                /* it has ended, and all its children as well */
            }
        };
        const timer = setTimeout(kill, 60000 * patience);
        const result = { stdout: '', stderr: '' };

        running.add(kill);

        for (const stream of ['stdout', 'stderr']) {
            child[stream].setEncoding('utf8');
            child[stream].on('data', (data) => { result[stream] += data; });
        }

        const [code, signal] = await once(child, 'close');

        clearTimeout(timer);
        kill();
        running.delete(kill);

        return { ...result, code: signal ?? code };
    }

    cleanup() {
        fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    }
}


/*
 * A scripted model: turn(request, place) gives the blocks of its answer to
 * each request (lib/vendor.mjs); calls are kept.  An agent that would never
 * come to an end is told so.
 */

function model(upstream, place, turn) {
    upstream.script((response, call) => {
        const wanted = upstream.calls.length > 50
            ? [{ text: 'That leads nowhere.' }] : turn(call.body, place);

        if (call.url.split('?')[0].endsWith('/count_tokens')) {
            response.writeHead(200, { 'Content-Type': 'application/json' });
            response.end('{"input_tokens":4711}');
            return undefined;
        }

        return answer(response, call, wanted);
    });
}


/*
 * A suite for one agent.  suite({ gateway, ask }) defines its tests:
 *
 * ask(prepare, turn, prefix) prepares a place, runs the agent there and
 * returns { code, stdout, stderr, calls, secret }; prepare(place, base) gives
 * [arguments, environment].  prefix chooses whose answers it gets: those of
 * turn, or the simulator's.
 */

export function describeAgent(name, { node = 18 }, suite) {
    describe(name, { skip: missing(name, node) }, () => {
        const holder = {};

        before(async () => {
            holder.gateway = await NativeGateway.start();
        });

        async function ask(prepare, turn, prefix = '/scripted') {
            const { gateway } = holder;
            const place = new Place();

            try {
                gateway.upstream.reset();

                if (turn) {
                    model(gateway.upstream, place, turn);
                }

                const [args, env] = prepare(place, gateway.base(prefix));
                const result = await place.run(name, args, env);
                const calls = gateway.upstream.calls
                    .filter(({ body }) => body).map((call) => ({
                        ...call, path: call.url.split('?')[0],
                        body: JSON.parse(call.body), text: call.body }));

                return { ...result, calls, secret: place.secret };

            } finally {
                place.cleanup();
            }
        }

        suite({ gateway: () => holder.gateway, ask });

        it('leaves clean logs and nothing open', async () => {
            assert.equal(await holder.gateway.stop(), '');
        });

        after(async () => {
            await holder.gateway?.cleanup();
        });
    });
}


/* For a message of assert: what the agent said, and what it sent. */

export function told({ code, stdout, stderr, calls }) {
    return `exit ${code}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}\n`
        + calls.slice(-5).map(({ url, text }) =>
            `${url} ${text.slice(-300)}`).join('\n');
}


/*
 * Checks a turn in which a tool has read the file, the model was told of it,
 * and has answered.
 */

export function checkTurn(result, { path, model }) {
    const { code, stdout, calls, secret } = result;

    assert.equal(code, 0, told(result));
    assert.ok(stdout.includes('The final answer.'), told(result));

    const last = calls.filter(({ text }) => text.includes(secret)).at(-1);

    assert.ok(last, told(result));
    assert.equal(last.path, path);
    assert.equal(last.body.model, model);
}


/* Checks the same turn with the simulator, whose last words it repeats. */

export function checkSimulated(result) {
    const { code, stdout, secret } = result;
    const [, words] = /The tool answered: (.*)/s.exec(stdout) ?? [];

    assert.equal(code, 0, told(result));
    assert.ok(words?.includes(secret), told(result));
}


/*
 * Checks a turn in which a tool has read the picture, and the model has seen
 * it.  An agent may have written the picture anew, as PNG or JPEG.
 */

export function checkPicture(result, { path, model }) {
    const { code, stdout, calls } = result;

    assert.equal(code, 0, told(result));
    assert.ok(stdout.includes('The final answer.'), told(result));
    assert.ok(calls.some((call) => call.path === path
                         && call.body.model === model
                         && /[",](iVBORw0KGgo|\/9j\/)/.test(call.text)),
              told(result));
}


/* By the first answer, and by the one that knows of the picture. */

export function pictureTurns(block) {
    return (body) => /[",](iVBORw0KGgo|\/9j\/)/.test(body)
        ? [{ text: 'The final answer.' }] : [block];
}
