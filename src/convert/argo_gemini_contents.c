
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What a client of Google's says to the model: contents become messages.
 * Results of functions become messages of their own; what a model said, which
 * clients keep in the pieces that it came in, becomes one message again.
 */


#include "argo_gemini.h"
#include "argo_json_write.h"
#include "argo_tool.h"


/* base64 of ARGO_GEMINI_SEAL: its last character is that of any such text */
#define ARGO_GEMINI_SEALED     "YW50aHJvcGljO"

/* the blocks in it, a block, its members */
#define ARGO_GEMINI_SEAL_DEPTH  2

/* of the ids that upstream's vendors take; a longer one is replaced */
#define ARGO_GEMINI_MAX_ID      40

/* what clients put between a function's name and the id that we gave */
#define ARGO_GEMINI_ID_JOINT    "__"


typedef struct {
    ngx_str_t             id;           /* as the client has it; len 0: none */
    argo_part_t          *part;         /* NULL: it has its result */
} argo_gemini_call_t;


typedef struct {
    argo_openai_place_t   at;
    argo_request_t       *req;
    argo_message_t       *assistant;    /* that the next content may join */
    argo_part_t          *first;        /* of the parts being read, if they
                                           begin a message */
    argo_part_t         **last;
    argo_gemini_call_t   *calls;        /* that wait for their results */
    ngx_uint_t            ncalls;
    ngx_uint_t            made;         /* ids, of all that were needed */
    unsigned              said:1;       /* something, by anybody */
    unsigned              told_thought:1;
    unsigned              told_part:1;
    unsigned              told_result:1;
} argo_gemini_reader_t;


typedef ngx_int_t (*argo_gemini_part_pt)(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);

typedef struct {
    const char           *name;
    argo_gemini_part_pt   read;
} argo_gemini_part_type_t;


static ngx_int_t argo_gemini_read_system(argo_gemini_reader_t *in,
    argo_json_t *node);
static ngx_int_t argo_gemini_read_content(argo_gemini_reader_t *in,
    argo_json_t *node);
static ngx_int_t argo_gemini_read_role(argo_gemini_reader_t *in,
    argo_json_t *node, argo_role_e *role);
static ngx_int_t argo_gemini_read_parts(argo_gemini_reader_t *in,
    argo_json_t *parts, argo_role_e role);
static ngx_int_t argo_gemini_read_part(argo_gemini_reader_t *in,
    argo_json_t *node, argo_role_e role);
static ngx_int_t argo_gemini_find_data(argo_gemini_reader_t *in,
    argo_json_t *node, const argo_gemini_part_type_t **type,
    argo_json_t **data);
static ngx_int_t argo_gemini_check_role(argo_gemini_reader_t *in,
    const argo_gemini_part_type_t *type, argo_role_e role);
static ngx_int_t argo_gemini_tell_part(argo_gemini_reader_t *in,
    argo_json_t *node);

static ngx_int_t argo_gemini_read_text(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_inline(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_blob(argo_gemini_reader_t *in,
    const char *path, argo_json_t *data, argo_part_t *part);
static ngx_int_t argo_gemini_read_base64(argo_gemini_reader_t *in,
    const char *path, const argo_json_t *data, ngx_str_t *base64);
static ngx_int_t argo_gemini_read_file(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_uri(argo_gemini_reader_t *in,
    const char *path, argo_json_t *data, argo_part_t *part);
static ngx_int_t argo_gemini_read_code(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_call(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_result(argo_gemini_reader_t *in,
    argo_json_t *node, argo_json_t *data);
static ngx_int_t argo_gemini_read_result_parts(argo_gemini_reader_t *in,
    argo_json_t *data, argo_part_t *result);
static ngx_int_t argo_gemini_read_response(argo_gemini_reader_t *in,
    const ngx_str_t *name, const argo_json_t *response, argo_part_t *result);
static const argo_json_t *argo_gemini_output(const ngx_str_t *name,
    const argo_json_t *response);

static ngx_int_t argo_gemini_give_id(argo_gemini_reader_t *in,
    const ngx_str_t *name, ngx_str_t *id);
static ngx_uint_t argo_gemini_is_id(const ngx_str_t *id);
static argo_gemini_call_t *argo_gemini_match(argo_gemini_reader_t *in,
    const ngx_str_t *id, const ngx_str_t *name);

static ngx_int_t argo_gemini_read_signature(argo_gemini_reader_t *in,
    argo_json_t *node, ngx_str_t *signature);
static ngx_int_t argo_gemini_unseal(argo_gemini_reader_t *in,
    const ngx_str_t *sealed);
static ngx_int_t argo_gemini_add_block(argo_gemini_reader_t *in,
    argo_json_t *node);
static ngx_int_t argo_gemini_decode(ngx_pool_t *pool, const ngx_str_t *base64,
    ngx_str_t *text);

static argo_message_t *argo_gemini_add_message(argo_gemini_reader_t *in,
    argo_role_e role, argo_part_t *parts);
static argo_part_t *argo_gemini_add_part(argo_gemini_reader_t *in,
    argo_part_e type, argo_json_t *node);
static argo_part_t *argo_gemini_make_part(argo_gemini_reader_t *in,
    argo_part_e type, argo_json_t *node);
static ngx_int_t argo_gemini_close(argo_gemini_reader_t *in);
static ngx_int_t argo_gemini_join(ngx_pool_t *pool, argo_part_t *part);
static ngx_uint_t argo_gemini_is_string(const argo_part_t *part);
static ngx_int_t argo_gemini_escape(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *escaped);


enum {
    ARGO_GEMINI_CALL_NAME = 0,
    ARGO_GEMINI_CALL_ARGS,
    ARGO_GEMINI_CALL_ID,
    ARGO_GEMINI_CALL_NMEMBERS
};


static const argo_openai_member_t
    argo_gemini_call_members[ARGO_GEMINI_CALL_NMEMBERS] =
{
    { ".functionCall.name", ARGO_OPENAI_STRING, "a string" },
    { ".functionCall.args", ARGO_OPENAI_OBJECT, "an object" },
    { ".functionCall.id", ARGO_OPENAI_STRING, "a string" }
};


static const argo_openai_member_t
    argo_gemini_result_members[ARGO_GEMINI_CALL_NMEMBERS] =
{
    { ".functionResponse.name", ARGO_OPENAI_STRING, "a string" },
    { ".functionResponse.response", ARGO_OPENAI_OBJECT, "an object" },
    { ".functionResponse.id", ARGO_OPENAI_STRING, "a string" }
};


static const argo_gemini_part_type_t  argo_gemini_parts[] = {
    { "text", argo_gemini_read_text },
    { "inlineData", argo_gemini_read_inline },
    { "fileData", argo_gemini_read_file },
    { "functionCall", argo_gemini_read_call },
    { "functionResponse", argo_gemini_read_result },
    { "executableCode", argo_gemini_read_code },
    { "codeExecutionResult", argo_gemini_read_code }
};


#define ARGO_GEMINI_NPARTS                                                    \
    (sizeof(argo_gemini_parts) / sizeof(argo_gemini_parts[0]))


/* what functions' results are called, by Google's word or by habit */

static const char  *argo_gemini_outputs[] = {
    "output",
    "result",
    "content",
    "error"
};


#define ARGO_GEMINI_NOUTPUTS                                                  \
    (sizeof(argo_gemini_outputs) / sizeof(argo_gemini_outputs[0]))


ngx_int_t
argo_gemini_read_contents(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *contents, argo_json_t *system, argo_error_t *err)
{
    ngx_int_t              rc;
    argo_json_t           *node;
    argo_gemini_reader_t   in;

    ngx_memzero(&in, sizeof(argo_gemini_reader_t));

    in.req = req;
    in.at.pool = pool;
    in.at.err = err;
    in.at.part = -1;
    in.at.fetch_images = req->fetch_images;

    req->messages = NULL;
    req->last_message = &req->messages;

    if (system) {
        rc = argo_gemini_read_system(&in, system);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (contents == NULL) {
        return argo_openai_missing(&in.at, "contents");
    }

    in.at.list = "contents";
    in.at.parts = ".parts";

    for (node = (contents->type == ARGO_JSON_ARRAY) ? contents->child
                                                    : contents;
         node;
         node = (contents->type == ARGO_JSON_ARRAY) ? node->next : NULL)
    {
        in.at.part = -1;

        rc = argo_gemini_read_content(&in, node);
        if (rc != NGX_OK) {
            return rc;
        }

        in.at.item++;
    }

    if (!in.said) {
        in.at.list = NULL;

        return argo_openai_wrong(&in.at, "contents", "empty_array",
                                 "must have at least one content that says "
                                 "something");
    }

    return argo_gemini_close(&in);
}


static ngx_int_t
argo_gemini_read_system(argo_gemini_reader_t *in, argo_json_t *node)
{
    ngx_int_t         rc;
    argo_json_t      *part, *parts, *text;
    argo_message_t   *message;

    rc = argo_gemini_get(&in->at, node, "systemInstruction.parts",
                         ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(OBJECT),
                         "an array", &parts);

    if (rc != NGX_OK || parts == NULL) {
        return rc;
    }

    in->first = NULL;
    in->last = &in->first;

    for (part = (parts->type == ARGO_JSON_ARRAY) ? parts->child : parts;
         part;
         part = (parts->type == ARGO_JSON_ARRAY) ? part->next : NULL)
    {
        text = argo_gemini_find(part, "text");

        if (text == NULL || text->type != ARGO_JSON_STRING) {
            return argo_openai_wrong(&in->at, "systemInstruction.parts",
                                     "unsupported_value",
                                     "must have nothing but text");
        }

        if (text->raw.len > 2
            && argo_gemini_read_text(in, part, text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (in->first == NULL) {
        return NGX_OK;
    }

    message = argo_gemini_add_message(in, ARGO_ROLE_SYSTEM, in->first);

    return message ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
argo_gemini_read_content(argo_gemini_reader_t *in, argo_json_t *node)
{
    ngx_int_t     rc;
    argo_json_t  *parts;
    argo_role_e   role;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(&in->at, "", "an object", node);
    }

    rc = argo_gemini_read_role(in, node, &role);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_gemini_get(&in->at, node, ".parts",
                         ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(OBJECT),
                         "an array", &parts);
    if (rc != NGX_OK) {
        return rc;
    }

    if (parts == NULL
        || (parts->type == ARGO_JSON_ARRAY && parts->count == 0))
    {
        /* clients put an empty one in the place of an answer that failed */

        return (role == ARGO_ROLE_ASSISTANT)
               ? NGX_OK : argo_openai_missing(&in->at, ".parts");
    }

    in->first = NULL;

    if (role != ARGO_ROLE_ASSISTANT) {

        if (argo_gemini_close(in) != NGX_OK) {
            return NGX_ERROR;
        }

        in->last = &in->first;

    } else if (in->assistant == NULL) {
        in->ncalls = 0;
        in->last = &in->first;
    }

    rc = argo_gemini_read_parts(in, parts, role);

    if (rc != NGX_OK || in->first == NULL) {
        return rc;
    }

    if (argo_gemini_add_message(in, role, in->first) == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_role(argo_gemini_reader_t *in, argo_json_t *node,
    argo_role_e *role)
{
    ngx_int_t     rc;
    argo_json_t  *name;

    *role = ARGO_ROLE_USER;

    rc = argo_gemini_get(&in->at, node, ".role", ARGO_OPENAI_STRING,
                         "a string", &name);

    if (rc != NGX_OK || name == NULL || name->raw.len == 2) {
        return rc;
    }

    if (argo_json_is(name, "model")) {
        *role = ARGO_ROLE_ASSISTANT;
        return NGX_OK;
    }

    if (argo_json_is(name, "user") || argo_json_is(name, "function")) {
        return NGX_OK;
    }

    return argo_openai_wrong(&in->at, ".role", "invalid_value",
                             "must be one of user, model and function");
}


static ngx_int_t
argo_gemini_read_parts(argo_gemini_reader_t *in, argo_json_t *parts,
    argo_role_e role)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    in->at.part = 0;

    for (node = (parts->type == ARGO_JSON_ARRAY) ? parts->child : parts;
         node;
         node = (parts->type == ARGO_JSON_ARRAY) ? node->next : NULL)
    {
        rc = argo_gemini_read_part(in, node, role);
        if (rc != NGX_OK) {
            return rc;
        }

        in->at.part++;
    }

    in->at.part = -1;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_part(argo_gemini_reader_t *in, argo_json_t *node,
    argo_role_e role)
{
    ngx_int_t                       rc;
    ngx_str_t                       signature;
    argo_json_t                    *data, *thought;
    argo_part_t                   **before;
    const argo_gemini_part_type_t  *type;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(&in->at, "", "an object", node);
    }

    rc = argo_gemini_get(&in->at, node, ".thought", ARGO_OPENAI_BOOL,
                         "a boolean", &thought);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_null(&signature);

    rc = argo_gemini_read_signature(in, node,
                                    role == ARGO_ROLE_ASSISTANT ? &signature
                                                                : NULL);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_gemini_find_data(in, node, &type, &data);

    if (rc != NGX_OK || data == NULL) {
        return rc;
    }

    rc = argo_gemini_check_role(in, type, role);
    if (rc != NGX_OK) {
        return rc;
    }

    if (role == ARGO_ROLE_ASSISTANT && type->read == argo_gemini_read_text) {

        if (thought && thought->type == ARGO_JSON_TRUE) {

            /* models need of it what is in a signature, and get that */

            if (in->told_thought) {
                return NGX_OK;
            }

            in->told_thought = 1;

            return argo_request_note(in->at.pool, in->req, "thought",
                                     "dropped: only signatures go back to "
                                     "the model");
        }

        if (data->type == ARGO_JSON_STRING && data->raw.len == 2) {
            return NGX_OK;
        }
    }

    rc = argo_gemini_tell_part(in, node);
    if (rc != NGX_OK) {
        return rc;
    }

    before = in->last;

    rc = type->read(in, node, data);

    if (rc == NGX_OK && signature.len && *before) {
        (*before)->signature = signature;
        (*before)->vendor = ARGO_FAMILY_GOOGLE;
    }

    return rc;
}


/* A part has one of several members; *data is NULL if it says nothing. */

static ngx_int_t
argo_gemini_find_data(argo_gemini_reader_t *in, argo_json_t *node,
    const argo_gemini_part_type_t **type, argo_json_t **data)
{
    ngx_uint_t    i;
    argo_json_t  *found;

    *type = NULL;
    *data = NULL;

    for (i = 0; i < ARGO_GEMINI_NPARTS; i++) {

        found = argo_gemini_find(node, argo_gemini_parts[i].name);

        if (found == NULL) {
            continue;
        }

        if (*data) {
            return argo_openai_wrong(&in->at, "", "invalid_value",
                                     "has more than one of text, inlineData, "
                                     "fileData, functionCall and the like");
        }

        *type = &argo_gemini_parts[i];
        *data = found;
    }

    if (*data || argo_gemini_find(node, "thoughtSignature")
        || argo_gemini_find(node, "thought"))
    {
        return NGX_OK;
    }

    return argo_openai_wrong(&in->at, "", "unsupported_value",
                             "must have one of text, inlineData, fileData, "
                             "functionCall and functionResponse");
}


static ngx_int_t
argo_gemini_check_role(argo_gemini_reader_t *in,
    const argo_gemini_part_type_t *type, argo_role_e role)
{
    if (role == ARGO_ROLE_ASSISTANT
        && type->read == argo_gemini_read_result)
    {
        return argo_openai_wrong(&in->at, ".functionResponse",
                                 "invalid_value",
                                 "must be in a content of the role user");
    }

    if (role != ARGO_ROLE_ASSISTANT && type->read == argo_gemini_read_call) {
        return argo_openai_wrong(&in->at, ".functionCall", "invalid_value",
                                 "must be in a content of the role model");
    }

    return NGX_OK;
}


/* Of many parts that say more than a model would get, the first is told. */

static ngx_int_t
argo_gemini_tell_part(argo_gemini_reader_t *in, argo_json_t *node)
{
    argo_change_t  **last;

    if (in->told_part) {
        return NGX_OK;
    }

    last = in->req->last_change;

    if (argo_request_drop_untaken(in->at.pool, in->req, node,
                                  "no place for it in a message")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    in->told_part = (last != in->req->last_change);

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_text(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    argo_part_t  *part;

    if (data->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(&in->at, ".text", "a string", data);
    }

    part = argo_gemini_add_part(in, ARGO_PART_TEXT, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->text = argo_json_inner(data);

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_inline(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    argo_part_t  *part;

    part = argo_gemini_add_part(in, ARGO_PART_FILE, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    return argo_gemini_read_blob(in, ".inlineData", data, part);
}


static ngx_int_t
argo_gemini_read_blob(argo_gemini_reader_t *in, const char *path,
    argo_json_t *data, argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *mime, *base64, *name;

    if (data->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(&in->at, path, "an object", data);
    }

    mime = argo_gemini_find(data, "mimeType");
    base64 = argo_gemini_find(data, "data");
    name = argo_gemini_find(data, "displayName");

    if (mime == NULL || mime->type != ARGO_JSON_STRING
        || mime->raw.len == 2 || base64 == NULL
        || base64->type != ARGO_JSON_STRING)
    {
        return argo_openai_wrong(&in->at, path, "invalid_value",
                                 "must have a mimeType and data, both of "
                                 "them strings");
    }

    part->mime = argo_json_inner(mime);

    if (name && name->type == ARGO_JSON_STRING) {
        part->name = argo_json_inner(name);
    }

    if (argo_gemini_begins(&part->mime, "image/")) {
        part->type = ARGO_PART_IMAGE;
    }

    if (argo_openai_name_place(&in->at, path, &part->param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_gemini_read_base64(in, path, base64, &part->text);

    return rc;
}


/*
 * Google takes the alphabet of URLs as well, and data without padding, and
 * its own SDK for Python sends such; other vendors do not.
 */

static ngx_int_t
argo_gemini_read_base64(argo_gemini_reader_t *in, const char *path,
    const argo_json_t *data, ngx_str_t *base64)
{
    u_char      c, *p;
    size_t      i, n;
    ngx_str_t   text;
    ngx_uint_t  odd;

    *base64 = argo_json_inner(data);
    text = *base64;

    if (data->escaped
        && argo_json_text(in->at.pool, data, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    odd = data->escaped;
    n = text.len;

    while (n && text.len - n < 2 && text.data[n - 1] == '=') {
        n--;
    }

    for (i = 0; i < n; i++) {
        c = text.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '+' || c == '/')
        {
            continue;
        }

        if (c != '-' && c != '_') {
            break;
        }

        odd = 1;
    }

    if (i < n || n == 0 || n % 4 == 1) {
        return argo_openai_wrong(&in->at, path, "invalid_value",
                                 "must have data in base64");
    }

    if (!odd && text.len % 4 == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(in->at.pool, n + 3);
    if (p == NULL) {
        return NGX_ERROR;
    }

    base64->data = p;

    for (i = 0; i < n; i++) {
        c = text.data[i];
        *p++ = (c == '-') ? '+' : (c == '_') ? '/' : c;
    }

    for ( /* void */ ; i % 4; i++) {
        *p++ = '=';
    }

    base64->len = i;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_file(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    argo_part_t  *part;

    part = argo_gemini_add_part(in, ARGO_PART_IMAGE, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    return argo_gemini_read_uri(in, ".fileData.fileUri", data, part);
}


static ngx_int_t
argo_gemini_read_uri(argo_gemini_reader_t *in, const char *path,
    argo_json_t *data, argo_part_t *part)
{
    ngx_str_t     inner;
    argo_json_t  *uri, *mime;

    uri = argo_gemini_find(data, "fileUri");
    mime = argo_gemini_find(data, "mimeType");

    if (uri == NULL || uri->type != ARGO_JSON_STRING) {
        return argo_openai_missing(&in->at, path);
    }

    inner = argo_json_inner(mime);

    if (inner.len && !argo_gemini_begins(&inner, "image/")) {
        return argo_openai_wrong(&in->at, path, "unsupported_value",
                                 "must be that of an image: the gateway keeps "
                                 "no files");
    }

    inner = argo_json_inner(uri);

    if (!argo_gemini_begins(&inner, "http:")
        && !argo_gemini_begins(&inner, "https:")
        && !argo_gemini_begins(&inner, "data:"))
    {
        return argo_openai_wrong(&in->at, path, "unsupported_value",
                                 "must be a URL of http, https or data: the "
                                 "gateway keeps no files");
    }

    return argo_openai_read_image(&in->at, path, uri, part);
}


/* What a model had run, and what came of it, is text to all others. */

static ngx_int_t
argo_gemini_read_code(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    u_char       *p;
    ngx_str_t     inner;
    argo_part_t  *part;
    argo_json_t  *text;

    text = argo_gemini_find(data, "code");

    if (text == NULL) {
        text = argo_gemini_find(data, "output");
    }

    if (text && text->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(&in->at, "", "a string", text);
    }

    part = argo_gemini_add_part(in, ARGO_PART_TEXT, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    inner = argo_json_inner(text);

    p = ngx_pnalloc(in->at.pool, inner.len + 2 * sizeof("\\n```\\n"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    part->text.data = p;

    p = ngx_cpymem(p, "```\\n", 5);

    if (inner.len) {
        p = ngx_cpymem(p, inner.data, inner.len);
    }

    p = ngx_cpymem(p, "\\n```\\n", 7);
    part->text.len = p - part->text.data;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_call(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    ngx_int_t            rc;
    argo_json_t         *args, *found[ARGO_GEMINI_CALL_NMEMBERS];
    argo_part_t         *part;
    argo_gemini_call_t  *call;

    rc = argo_gemini_get_all(&in->at, data, argo_gemini_call_members,
                             ARGO_GEMINI_CALL_NMEMBERS, found);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_inner(found[ARGO_GEMINI_CALL_NAME]).len == 0) {
        return argo_openai_missing(&in->at, ".functionCall.name");
    }

    if (in->ncalls == ARGO_GEMINI_MAX_CALLS) {
        return argo_openai_wrong(&in->at, ".functionCall", "invalid_value",
                                 "is one of more than 512 in a row");
    }

    if (in->calls == NULL) {
        in->calls = ngx_palloc(in->at.pool, ARGO_GEMINI_MAX_CALLS
                                            * sizeof(argo_gemini_call_t));
        if (in->calls == NULL) {
            return NGX_ERROR;
        }
    }

    part = argo_gemini_add_part(in, ARGO_PART_TOOL_CALL, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    args = found[ARGO_GEMINI_CALL_ARGS];
    part->name = argo_json_inner(found[ARGO_GEMINI_CALL_NAME]);
    part->id = argo_json_inner(found[ARGO_GEMINI_CALL_ID]);

    call = &in->calls[in->ncalls++];
    call->id = part->id;
    call->part = part;

    if (argo_gemini_give_id(in, &part->name, &part->id) != NGX_OK
        || argo_openai_name_place(&in->at, ".functionCall.args",
                                  &part->param) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (args) {
        part->args = args;

    } else {
        ngx_str_set(&part->text, "{}");
    }

    return NGX_OK;
}


/*
 * Whatever id the client has, the vendors must be able to take it.  A client
 * that puts the name before an id of ours gets that id back: upstream may
 * know it.
 */

static ngx_int_t
argo_gemini_give_id(argo_gemini_reader_t *in, const ngx_str_t *name,
    ngx_str_t *id)
{
    u_char  *p;
    size_t   len;

    len = name->len + sizeof(ARGO_GEMINI_ID_JOINT) - 1;

    if (id->len > len
        && ngx_memcmp(id->data, name->data, name->len) == 0
        && ngx_memcmp(id->data + name->len, ARGO_GEMINI_ID_JOINT,
                      sizeof(ARGO_GEMINI_ID_JOINT) - 1) == 0)
    {
        id->data += len;
        id->len -= len;
    }

    if (argo_gemini_is_id(id)) {
        return NGX_OK;
    }

    p = ngx_pnalloc(in->at.pool, sizeof("call_") - 1 + NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    id->data = p;
    id->len = sizeof("call_") - 1;

    ngx_memcpy(p, "call_", id->len);

    /* the same number each time that the conversation is sent */

    p += id->len;
    len = in->made++;

    do {
        *p++ = (u_char) ('0' + len % 10);
        id->len++;
        len /= 10;
    } while (len);

    return NGX_OK;
}


static ngx_uint_t
argo_gemini_is_id(const ngx_str_t *id)
{
    u_char  c;
    size_t  i;

    if (id->len == 0 || id->len > ARGO_GEMINI_MAX_ID) {
        return 0;
    }

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z') || c == '_' || c == '-'))
        {
            return 0;
        }
    }

    return 1;
}


/* Results come right behind their calls, as messages of their own. */

static ngx_int_t
argo_gemini_read_result(argo_gemini_reader_t *in, argo_json_t *node,
    argo_json_t *data)
{
    ngx_int_t             rc;
    argo_json_t          *found[ARGO_GEMINI_CALL_NMEMBERS];
    argo_part_t          *part, **last;
    argo_gemini_call_t   *call;

    rc = argo_gemini_get_all(&in->at, data, argo_gemini_result_members,
                             ARGO_GEMINI_CALL_NMEMBERS, found);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_inner(found[ARGO_GEMINI_CALL_NAME]).len == 0) {
        return argo_openai_missing(&in->at, ".functionResponse.name");
    }

    last = in->last;

    part = argo_gemini_make_part(in, ARGO_PART_TOOL_RESULT, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->name = argo_json_inner(found[ARGO_GEMINI_CALL_NAME]);
    part->id = argo_json_inner(found[ARGO_GEMINI_CALL_ID]);

    call = argo_gemini_match(in, &part->id, &part->name);

    if (call) {
        part->id = call->part->id;
        call->part = NULL;

    } else if (argo_gemini_give_id(in, &part->name, &part->id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (argo_openai_name_place(&in->at, ".functionResponse", &part->param)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = argo_gemini_read_response(in, &part->name,
                                   found[ARGO_GEMINI_CALL_ARGS], part);

    if (rc == NGX_OK) {
        rc = argo_gemini_read_result_parts(in, data, part);
    }

    in->last = last;

    if (rc != NGX_OK) {
        return rc;
    }

    part->string = argo_gemini_is_string(part->parts);

    return argo_gemini_add_message(in, ARGO_ROLE_TOOL, part) ? NGX_OK
                                                             : NGX_ERROR;
}


/* By id; without one, the first of the name is meant. */

static argo_gemini_call_t *
argo_gemini_match(argo_gemini_reader_t *in, const ngx_str_t *id,
    const ngx_str_t *name)
{
    ngx_uint_t           i;
    argo_gemini_call_t  *call;

    for (i = 0; id->len && i < in->ncalls; i++) {
        call = &in->calls[i];

        if (call->part && argo_tool_same(&call->id, id)) {
            return call;
        }
    }

    for (i = 0; i < in->ncalls; i++) {
        call = &in->calls[i];

        if (call->part && (id->len == 0 || call->id.len == 0)
            && argo_tool_same(&call->part->name, name))
        {
            return call;
        }
    }

    return NULL;
}


static ngx_int_t
argo_gemini_read_response(argo_gemini_reader_t *in, const ngx_str_t *name,
    const argo_json_t *response, argo_part_t *result)
{
    ngx_str_t           text;
    argo_part_t        *part;
    const argo_json_t  *output;

    in->last = &result->parts;

    part = argo_gemini_add_part(in, ARGO_PART_TEXT, NULL);
    if (part == NULL) {
        return NGX_ERROR;
    }

    if (response == NULL || response->count == 0) {
        return NGX_OK;
    }

    output = argo_gemini_output(name, response);

    if (output) {
        result->failed = argo_str_is(&output->name, "error");

        if (output->type == ARGO_JSON_STRING) {
            part->text = argo_json_inner(output);
            return NGX_OK;
        }
    }

    text = output ? output->raw : response->raw;

    return argo_gemini_escape(in->at.pool, &text, &part->text);
}


/*
 * What a function has returned, if nothing else is said but its name: Google's
 * word for it, or one that clients use.
 */

static const argo_json_t *
argo_gemini_output(const ngx_str_t *name, const argo_json_t *response)
{
    ngx_str_t           inner;
    ngx_uint_t          i;
    const char         *output;
    const argo_json_t  *node, *found;

    found = NULL;

    for (node = response->child; node; node = node->next) {

        inner = argo_json_inner(node);

        if (argo_str_is(&node->name, "name") && response->count == 2
            && node->type == ARGO_JSON_STRING
            && argo_tool_same(&inner, name))
        {
            continue;
        }

        for (i = 0; i < ARGO_GEMINI_NOUTPUTS; i++) {
            output = argo_gemini_outputs[i];

            if (node->name.len == ngx_strlen(output)
                && ngx_memcmp(node->name.data, output, node->name.len) == 0)
            {
                break;
            }
        }

        if (found || i == ARGO_GEMINI_NOUTPUTS) {
            return NULL;
        }

        found = node;
    }

    return found;
}


/* Images and files beside what was returned. */

static ngx_int_t
argo_gemini_read_result_parts(argo_gemini_reader_t *in, argo_json_t *data,
    argo_part_t *result)
{
    ngx_int_t     rc;
    argo_json_t  *parts, *node, *blob;
    argo_part_t  *part;

    rc = argo_gemini_get(&in->at, data, ".functionResponse.parts",
                         ARGO_OPENAI_IS(ARRAY), "an array", &parts);

    for (node = parts ? parts->child : NULL;
         node && rc == NGX_OK;
         node = node->next)
    {
        part = argo_gemini_add_part(in, ARGO_PART_FILE, node);
        if (part == NULL) {
            return NGX_ERROR;
        }

        blob = argo_gemini_find(node, "inlineData");

        if (blob) {
            rc = argo_gemini_read_blob(in, ".functionResponse.parts", blob,
                                       part);
            continue;
        }

        blob = argo_gemini_find(node, "fileData");

        rc = blob ? argo_gemini_read_uri(in, ".functionResponse.parts", blob,
                                         part)
                  : argo_openai_wrong(&in->at, ".functionResponse.parts",
                                      "unsupported_value",
                                      "must have nothing but inlineData and "
                                      "fileData");
    }

    if (rc != NGX_OK || in->told_result) {
        return rc;
    }

    (void) argo_gemini_find(data, "name");

    in->told_result = 1;

    return argo_request_drop_untaken(in->at.pool, in->req, data,
                                     "no place for it in a result");
}


/*
 * What signs a part: Google's own goes back as it is; of another vendor's,
 * what is in it becomes parts before this one.
 */

static ngx_int_t
argo_gemini_read_signature(argo_gemini_reader_t *in, argo_json_t *node,
    ngx_str_t *signature)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *value;

    rc = argo_gemini_get(&in->at, node, ".thoughtSignature",
                         ARGO_OPENAI_STRING, "a string", &value);

    if (rc != NGX_OK || value == NULL || signature == NULL) {
        return rc;
    }

    if (argo_json_text(in->at.pool, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (text.len > sizeof(ARGO_GEMINI_SEALED) - 1
        && ngx_memcmp(text.data, ARGO_GEMINI_SEALED,
                      sizeof(ARGO_GEMINI_SEALED) - 1) == 0)
    {
        return argo_gemini_unseal(in, &text);
    }

    *signature = argo_json_inner(value);

    return NGX_OK;
}


static ngx_int_t
argo_gemini_unseal(argo_gemini_reader_t *in, const ngx_str_t *sealed)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *root, *block;
    argo_error_t  ignored;

    rc = argo_gemini_decode(in->at.pool, sealed, &text);

    if (rc == NGX_ERROR) {
        return rc;
    }

    root = NULL;

    if (rc == NGX_OK) {
        text.data += sizeof(ARGO_GEMINI_SEAL) - 1;
        text.len -= sizeof(ARGO_GEMINI_SEAL) - 1;

        rc = argo_json_parse(in->at.pool, &text, ARGO_GEMINI_SEAL_DEPTH,
                             &root, &ignored);
    }

    if (rc == NGX_ERROR) {
        return rc;
    }

    if (root == NULL || root->type != ARGO_JSON_ARRAY) {
        return argo_openai_wrong(&in->at, ".thoughtSignature",
                                 "invalid_value",
                                 "is not one that was given");
    }

    for (block = root->child; block; block = block->next) {
        rc = argo_gemini_add_block(in, block);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_add_block(argo_gemini_reader_t *in, argo_json_t *node)
{
    argo_json_t  *thinking, *signature, *data;
    argo_part_t  *part;

    thinking = argo_json_get(node, "thinking");
    signature = argo_json_get(node, "signature");
    data = argo_json_get(node, "data");

    if (data == NULL) {
        data = signature;
    }

    if (data == NULL || data->type != ARGO_JSON_STRING
        || (data == signature
            && (thinking == NULL || thinking->type != ARGO_JSON_STRING)))
    {
        return argo_openai_wrong(&in->at, ".thoughtSignature",
                                 "invalid_value",
                                 "is not one that was given");
    }

    part = argo_gemini_add_part(in, ARGO_PART_REASONING, node);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->vendor = ARGO_FAMILY_ANTHROPIC;
    part->signature = argo_json_inner(data);

    if (data == signature) {
        part->text = argo_json_inner(thinking);

    } else {
        part->redacted = 1;
    }

    return NGX_OK;
}


/* Either alphabet: an SDK may have decoded it and encoded it again. */

static ngx_int_t
argo_gemini_decode(ngx_pool_t *pool, const ngx_str_t *base64, ngx_str_t *text)
{
    u_char    c, *p;
    size_t    i, n;
    uint32_t  bits, value;

    n = base64->len;

    while (n && base64->data[n - 1] == '=') {
        n--;
    }

    text->data = ngx_pnalloc(pool, n / 4 * 3 + 3);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = text->data;
    bits = 0;

    for (i = 0; i < n; i++) {
        c = base64->data[i];

        if (c >= 'A' && c <= 'Z') {
            value = c - 'A';

        } else if (c >= 'a' && c <= 'z') {
            value = c - 'a' + 26;

        } else if (c >= '0' && c <= '9') {
            value = c - '0' + 52;

        } else if (c == '+' || c == '-') {
            value = 62;

        } else if (c == '/' || c == '_') {
            value = 63;

        } else {
            return NGX_DECLINED;
        }

        bits = (bits << 6) | value;

        if (i % 4) {
            *p++ = (u_char) (bits >> (6 - 2 * (i % 4)));
        }
    }

    text->len = p - text->data;

    return NGX_OK;
}


static argo_message_t *
argo_gemini_add_message(argo_gemini_reader_t *in, argo_role_e role,
    argo_part_t *parts)
{
    argo_message_t  *message;

    message = ngx_pcalloc(in->at.pool, sizeof(argo_message_t));
    if (message == NULL) {
        return NULL;
    }

    message->role = role;
    message->parts = parts;
    message->index = in->at.item;
    message->string = argo_gemini_is_string(parts);

    *in->req->last_message = message;
    in->req->last_message = &message->next;

    in->assistant = (role == ARGO_ROLE_ASSISTANT) ? message : NULL;

    if (role != ARGO_ROLE_SYSTEM) {
        in->said = 1;
    }

    return message;
}


static argo_part_t *
argo_gemini_add_part(argo_gemini_reader_t *in, argo_part_e type,
    argo_json_t *node)
{
    argo_part_t  *part;

    part = argo_gemini_make_part(in, type, node);
    if (part == NULL) {
        return NULL;
    }

    *in->last = part;
    in->last = &part->next;

    return part;
}


static argo_part_t *
argo_gemini_make_part(argo_gemini_reader_t *in, argo_part_e type,
    argo_json_t *node)
{
    argo_part_t  *part;

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->type = type;
    part->node = node;

    return part;
}


/* Nothing more joins what the model said last. */

static ngx_int_t
argo_gemini_close(argo_gemini_reader_t *in)
{
    argo_part_t  *part;

    if (in->assistant == NULL) {
        return NGX_OK;
    }

    for (part = in->assistant->parts; part; part = part->next) {
        if (argo_gemini_join(in->at.pool, part) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    in->assistant->string = argo_gemini_is_string(in->assistant->parts);
    in->assistant = NULL;

    return NGX_OK;
}


/* Texts that follow each other are one that had come in pieces. */

static ngx_int_t
argo_gemini_join(ngx_pool_t *pool, argo_part_t *part)
{
    u_char       *p;
    size_t        len;
    argo_part_t  *one, *next;

    len = 0;

    for (next = part;
         next && next->type == ARGO_PART_TEXT && next->signature.len == 0;
         next = next->next)
    {
        len += next->text.len;
    }

    if (next == part || next == part->next || len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (one = part; one != next; one = one->next) {
        if (one->text.len) {
            ngx_memcpy(p + len, one->text.data, one->text.len);
            len += one->text.len;
        }
    }

    part->text.data = p;
    part->text.len = len;
    part->next = next;

    return NGX_OK;
}


static ngx_uint_t
argo_gemini_is_string(const argo_part_t *part)
{
    ngx_uint_t  n;

    for (n = 0; part; part = part->next) {

        if (part->type == ARGO_PART_TEXT) {
            n++;

        } else if (part->type != ARGO_PART_TOOL_CALL) {
            return 0;
        }
    }

    return n == 1;
}


static ngx_int_t
argo_gemini_escape(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *escaped)
{
    argo_out_t  out;

    argo_out_init(&out, pool, text->len + text->len / 4 + 64, NULL, 1);

    argo_json_write_text(&out, text->data, text->len);

    return argo_out_flatten(&out, pool, escaped);
}
