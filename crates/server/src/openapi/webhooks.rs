//! What the server itself sends, for `webhooks` of the document: utoipa has no word for it.

use podlane_service::WebhookEvent;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The document, and behind it the messages to webhooks.
#[derive(Serialize)]
pub(super) struct WithWebhooks {
    #[serde(flatten)]
    document: OpenApi,
    webhooks: Map<String, Value>,
}

impl WithWebhooks {
    pub(super) fn of(document: OpenApi) -> Self {
        let mut webhooks = Map::new();
        for event in WebhookEvent::ALL {
            let kind = format!("container.{event}");
            let schema = json!({
                "allOf": [
                    { "$ref": "#/components/schemas/WebhookMessage" },
                    { "properties": { "type": { "const": kind } } },
                ],
            });
            let about =
                format!("A container's event `{event}`, to webhooks that want to hear of it.");
            webhooks.insert(kind, message(&format!("told_{event}"), &about, &schema));
        }
        let schema = json!({
            "type": "object",
            "required": ["id", "type", "timestamp", "data"],
            "properties": {
                "id": { "type": "string" },
                "type": { "const": "ping" },
                "timestamp": { "type": "string" },
                "data": {
                    "type": "object",
                    "required": ["webhook"],
                    "properties": { "webhook": { "type": "string", "description": "The webhook's ID." } },
                    "additionalProperties": false,
                },
            },
            "additionalProperties": false,
        });
        let about = "What `POST /api/v1/webhooks/{id}/test` has sent.";
        webhooks.insert("ping".into(), message("told_ping", about, &schema));
        Self { document, webhooks }
    }
}

/// A message as its receiver has it. Not the server's tokens but its signature says who sends it.
fn message(operation: &str, about: &str, schema: &Value) -> Value {
    let header = |name: &str, what: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": what,
            "schema": { "type": "string" },
        })
    };
    json!({
        "post": {
            "operationId": operation,
            "tags": ["webhooks"],
            "summary": about,
            "security": [],
            "parameters": [
                header("webhook-id", "The message's ID, the same in all attempts."),
                header("webhook-timestamp", "When this attempt was made, in seconds since 1970."),
                header("webhook-signature", "`v1,` and the Base64 of the HMAC-SHA256 of ID, timestamp and body, with dots between."),
            ],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": schema } },
            },
            "responses": {
                "2XX": { "description": "It is taken." },
                "410": { "description": "The webhook is disabled." },
                "default": { "description": "It is sent again, after growing pauses." },
            },
        },
    })
}
