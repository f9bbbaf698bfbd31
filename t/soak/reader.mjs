/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Reads HTTP/1.1 replies from a socket, one after the other, and is strict
 * about how they end: by their framing, with no byte left over.
 */


export class HttpReader {

    constructor(socket) {
        this.data = Buffer.alloc(0);
        this.wake = null;
        this.ended = false;

        this.closed = new Promise((resolve) => {
            socket.once('close', resolve);
        });

        socket.on('data', (data) => {
            this.data = this.data.length ? Buffer.concat([this.data, data])
                                         : data;
            this.wake?.();
        });

        const end = (error) => {
            this.error ??= error;
            this.ended = true;
            this.wake?.();
        };

        socket.on('end', end);
        socket.on('close', () => end());
        socket.on('error', end);
    }

    async more() {
        if (this.ended) {
            throw this.error ?? new Error('the connection was closed in a '
                                          + 'reply');
        }

        await new Promise((resolve) => { this.wake = resolve; });
        this.wake = null;
    }

    async line() {
        for (let from = 0; ;) {
            const end = this.data.indexOf('\r\n', from);

            if (end !== -1) {
                const line = this.data.toString('latin1', 0, end);

                this.data = this.data.subarray(end + 2);
                return line;
            }

            from = Math.max(0, this.data.length - 1);
            await this.more();
        }
    }

    async bytes(n) {
        while (this.data.length < n) {
            await this.more();
        }

        const bytes = this.data.subarray(0, n);

        this.data = this.data.subarray(n);
        return bytes;
    }

    async reply() {
        const [, status] = /^HTTP\/1\.1 (\d+) /.exec(await this.line());
        const headers = {};

        for (let line = await this.line(); line; line = await this.line()) {
            const colon = line.indexOf(':');

            headers[line.slice(0, colon).toLowerCase()] =
                line.slice(colon + 1).trim();
        }

        const body = headers['transfer-encoding'] === 'chunked'
            ? await this.chunked()
            : await this.bytes(Number(headers['content-length']));

        if (this.data.length) {
            throw new Error('bytes behind the end of a reply: '
                            + this.data.toString());
        }

        return { status: Number(status), headers, body: body.toString() };
    }

    async chunked() {
        const chunks = [];

        for (;;) {
            const size = parseInt(await this.line(), 16);

            if (Number.isNaN(size)) {
                throw new Error('malformed chunk');
            }

            if (size === 0) {
                if (await this.line() !== '') {
                    throw new Error('malformed end of chunks');
                }

                return Buffer.concat(chunks);
            }

            chunks.push(await this.bytes(size));

            if (await this.line() !== '') {
                throw new Error('malformed chunk');
            }
        }
    }
}
