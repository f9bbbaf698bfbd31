
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools for models of vendors that nothing is known of: they are described
 * in the system's message, and calls and results are text.
 */


#include "argo_legacy.h"
#include "argo_json_write.h"
#include "argo_part.h"


static void argo_legacy_write_list(const argo_request_t *req,
    argo_out_t *out);
static void argo_legacy_write_text_member(const char *name,
    const argo_json_t *node, argo_out_t *out);
static void argo_legacy_write_choice_text(const argo_request_t *req,
    argo_out_t *out);


/* The quotes and line ends of all texts here are escaped already. */

void
argo_legacy_write_instructions(const argo_request_t *req, argo_out_t *out)
{
    argo_out_lit(out, "You have tools. This JSON list says what each does "
                      "and, as a JSON schema, which arguments it takes:"
                      "\\n\\n[");
    argo_legacy_write_list(req, out);
    argo_out_lit(out, "]\\n\\nTo call a tool, write one JSON object between "
                      "tags, just so:\\n\\n"
                      "<tool_call>{\\\"name\\\":\\\"NAME\\\","
                      "\\\"arguments\\\":{\\\"ARGUMENT\\\":\\\"VALUE\\\"}}"
                      "</tool_call>\\n\\n"
                      "Write nothing else between the tags, and no tags for "
                      "anything else. What you write outside of them is "
                      "shown to the user. ");

    if (req->parallel == ARGO_PARALLEL_NO) {
        argo_out_lit(out, "Make at most one call in an answer. ");

    } else {
        argo_out_lit(out, "An answer may have several calls, each between "
                          "tags of its own. ");
    }

    argo_out_lit(out, "When you have made your calls, end the answer: the "
                      "next message brings what came of each, between "
                      "<tool_result> tags. ");

    argo_legacy_write_choice_text(req, out);
}


static void
argo_legacy_write_list(const argo_request_t *req, argo_out_t *out)
{
    const argo_tool_t  *tool;

    for (tool = req->tools; tool; tool = tool->next) {

        argo_out_lit(out, "{\\\"name\\\":\\\"");
        argo_json_write_text(out, tool->name.data, tool->name.len);
        argo_out_lit(out, "\\\"");

        argo_legacy_write_text_member("description", tool->description, out);
        argo_legacy_write_text_member("parameters", tool->parameters, out);

        argo_out_lit(out, "}");

        if (tool->next) {
            argo_out_lit(out, ",\\n");
        }
    }
}


static void
argo_legacy_write_text_member(const char *name, const argo_json_t *node,
    argo_out_t *out)
{
    if (node == NULL) {
        return;
    }

    argo_out_lit(out, ",\\\"");
    argo_out_write(out, name, ngx_strlen(name));
    argo_out_lit(out, "\\\":");
    argo_json_write_text(out, node->raw.data, node->raw.len);
}


static void
argo_legacy_write_choice_text(const argo_request_t *req, argo_out_t *out)
{
    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_REQUIRED:
        argo_out_lit(out, "In your next answer you must call a tool.");
        break;

    case ARGO_TOOL_CHOICE_NAMED:
        argo_out_lit(out, "In your next answer you must call the tool ");
        argo_out_str(out, &req->tool_name);
        argo_out_lit(out, ".");
        break;

    default:
        argo_out_lit(out, "Call a tool only where it is of use.");
    }
}


void
argo_legacy_write_call_text(const argo_part_t *call, argo_out_t *out)
{
    argo_out_lit(out, "<tool_call>{\\\"name\\\":\\\"");
    argo_json_write_text(out, call->name.data, call->name.len);
    argo_out_lit(out, "\\\",\\\"arguments\\\":");

    if (argo_part_is_blank(&call->text)) {
        argo_out_lit(out, "{}");

    } else {
        argo_out_ref(out, call->text.data, call->text.len);
    }

    argo_out_lit(out, "}</tool_call>");
}


void
argo_legacy_write_result_head(const argo_part_t *call, argo_out_t *out)
{
    argo_out_lit(out, "<tool_result name=\\\"");
    argo_out_str(out, &call->name);
    argo_out_lit(out, "\\\">");
}


void
argo_legacy_write_result_tail(argo_out_t *out)
{
    argo_out_lit(out, "</tool_result>\\n");
}
