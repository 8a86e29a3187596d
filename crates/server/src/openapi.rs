//! The OpenAPI document: what the routes say of themselves, and here, once, what holds for all of them. Only
//! tests make it: `openapi.json` is committed, and served as it is.

mod failures;
mod webhooks;

use crate::router::table;
use crate::scopes;
use podlane_api::{Failure, Problem, TerminalInput, TerminalOutput};
use podlane_service::{IdempotencyKey, Scope};
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Content, HeaderBuilder, InfoBuilder, LicenseBuilder,
    ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use webhooks::WithWebhooks;

/// The names of the ways to present a token.
const SCHEMES: [&str; 2] = ["token", "key"];

/// The committed document: `/openapi.json` in the repository, as the server serves it.
fn openapi_json() -> String {
    let document = WithWebhooks::of(document());
    let mut document = serde_json::to_string_pretty(&document).unwrap_or_else(|_| {
        unreachable!("the document is made of maps with text keys and plain values")
    });
    document.push('\n');
    document
}

/// UTC with microseconds and without a zone, as in the contract's examples.
const TIMESTAMP: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$";

/// What the document says before its paths.
fn info() -> OpenApi {
    let licence = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let contact = ContactBuilder::new()
        .name(Some("Podlane"))
        .url(Some(env!("CARGO_PKG_REPOSITORY")))
        .build();
    let tag = |name: &str, about: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    };
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Podlane")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("An HTTP API for containers on a Podman machine."))
                .license(Some(licence))
                .contact(Some(contact))
                .build(),
        )
        .tags(Some([
            tag("containers", "Containers and what happens inside them."),
            tag("files", "Files and directories inside containers."),
            tag("execs", "Commands in the background."),
            tag("images", "Images, and what makes and moves them."),
            tag("volumes", "Directories that outlive containers."),
            tag("networks", "Networks that containers are in."),
            tag("pods", "Containers that share a network."),
            tag(
                "secrets",
                "What containers see as files and nobody is told.",
            ),
            tag(
                "registries",
                "Where images come from, and what is needed to be let in.",
            ),
            tag("events", "What happens."),
            tag("webhooks", "Who is told what happens."),
            tag("recordings", "What terminals showed."),
            tag("audit", "Who changed what."),
            tag("tokens", "Who may ask for what."),
            tag("system", "The server itself."),
        ]))
        .components(Some(ComponentsBuilder::new().build()))
        .build()
}

fn document() -> OpenApi {
    let mut document = info();
    document.merge(table().into_openapi());
    let components = document.components.get_or_insert_default();
    for (name, schema) in [
        (Failure::name(), Failure::schema()),
        (Problem::name(), Problem::schema()),
        (TerminalInput::name(), TerminalInput::schema()),
        (TerminalOutput::name(), TerminalOutput::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    let mut nested = Vec::new();
    Failure::schemas(&mut nested);
    Problem::schemas(&mut nested);
    TerminalInput::schemas(&mut nested);
    TerminalOutput::schemas(&mut nested);
    components.schemas.extend(nested);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("`Authorization: Bearer pdl_...`"))
        .build();
    let key = ApiKeyValue::with_description("X-API-Key", "`X-API-Key: pdl_...`");
    let schemes = [
        SecurityScheme::Http(bearer),
        SecurityScheme::ApiKey(ApiKey::Header(key)),
    ];
    for (name, scheme) in SCHEMES.into_iter().zip(schemes) {
        components.add_security_scheme(name, scheme);
    }
    components.schemas.values_mut().for_each(close);
    for failure in &failures::ALL {
        components
            .responses
            .insert(failure.name.to_owned(), failure.response().into());
    }
    // What stands for a rest of any length is a plain parameter here.
    let paths = std::mem::take(&mut document.paths.paths);
    let plain = paths
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item));
    document.paths.paths = plain.collect();
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete(path, &method, operation);
            }
        }
    }
    document
}

/// An object has the fields that are written down and no others, and all timestamps have one form.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        if let Some(RefOr::T(Schema::Object(timestamp))) = object.properties.get_mut("timestamp") {
            timestamp.pattern = Some(TIMESTAMP.to_owned());
        }
        if !object.properties.is_empty() && object.additional_properties.is_none() {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Adds to an operation what all of its kind have in common.
fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    operation.security = security(path, method);
    if path.contains("{name}") {
        operation
            .parameters
            .get_or_insert_default()
            .insert(0, name_parameter().into());
    }
    if path.contains("{username}") {
        operation
            .parameters
            .get_or_insert_default()
            .insert(1, username_parameter().into());
    }
    if path.starts_with("/api/v1/execs/{id}") {
        operation
            .parameters
            .get_or_insert_default()
            .insert(0, exec_parameter().into());
    }
    let keyed = takes_key(path, method);
    if keyed {
        operation
            .parameters
            .get_or_insert_default()
            .push(key_parameter().into());
    }
    for failure in failures::of(path, method) {
        operation
            .responses
            .responses
            .entry(failure.status.to_owned())
            .or_insert_with(|| Ref::from_response_name(failure.name).into());
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if status.starts_with(['4', '5']) {
                let problem = Content::new(Some(Ref::from_schema_name("Problem")));
                response
                    .content
                    .insert("application/problem+json".into(), problem.into());
            }
            response
                .headers
                .insert("X-Request-ID".into(), id_header().into());
            if keyed && status.starts_with('2') {
                response
                    .headers
                    .insert("Idempotent-Replayed".into(), replayed_header().into());
            }
        }
    }
}

/// What is said of an operation: it can be used without a token where the server wants none, and
/// with a token that has the scope.
fn security(path: &str, method: &HttpMethod) -> Option<Vec<SecurityRequirement>> {
    let method = match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        _ => "DELETE",
    };
    let found = scopes::POLICY
        .iter()
        .find(|row| (row.0, row.1) == (method, path));
    let scope = found?.2.map(Scope::as_str);
    let with = |scheme: &&str| SecurityRequirement::new(*scheme, scope);
    let ways = SCHEMES.iter().map(with);
    Some(ways.chain([SecurityRequirement::default()]).collect())
}

fn name_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("name")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(
            "The container's name, its ID or an unambiguous beginning of its ID.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::String))
                .pattern(Some("^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")),
        ))
        .example(Some("my-container".into()))
        .build()
}

fn username_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("username")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The account's name."))
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)),
        ))
        .example(Some("newuser".into()))
        .build()
}

fn exec_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The background command's ID."))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::String))
                .pattern(Some("^[0-9a-f]{32}$")),
        ))
        .build()
}

/// Whether an operation takes a key.
fn takes_key(path: &str, method: &HttpMethod) -> bool {
    matches!(method, HttpMethod::Post | HttpMethod::Patch) && path.starts_with("/api/v1/")
}

fn key_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "What the caller calls this request. It is done once, however often it is sent with the same key; the others get the first one's answer.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::String))
                .pattern(Some("^[!-~]+$"))
                .max_length(Some(IdempotencyKey::LONGEST)),
        ))
        .build()
}

fn replayed_header() -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)),
        ))
        .description(Some(
            "`true` if this is the answer to an earlier request with the same key.",
        ))
        .build()
}

fn id_header() -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)),
        ))
        .description(Some("The request's ID, the caller's own if it sent one."))
        .build()
}

#[cfg(test)]
mod tests;
