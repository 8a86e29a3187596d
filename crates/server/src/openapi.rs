//! The OpenAPI document: what the routes say of themselves, and here, once, what holds for all of them.

use crate::router::table;
use podlane_api::{Failure, Problem};
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Content, HeaderBuilder, InfoBuilder, LicenseBuilder,
    ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

/// The committed document: `/openapi.json` in the repository, as the server serves it.
pub fn openapi_json() -> String {
    let mut document = document().to_pretty_json().unwrap_or_else(|_| {
        unreachable!("the document is made of maps with text keys and plain values")
    });
    document.push('\n');
    document
}

/// UTC with microseconds and without a zone, as in the contract's examples.
const TIMESTAMP: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$";

/// What the document says before its paths.
pub(crate) fn info() -> OpenApi {
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
            tag("system", "The server itself."),
        ]))
        .components(Some(ComponentsBuilder::new().build()))
        .build()
}

fn document() -> OpenApi {
    let mut document = table().into_openapi();
    let components = document.components.get_or_insert_default();
    for (name, schema) in [
        (Failure::name(), Failure::schema()),
        (Problem::name(), Problem::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    let mut nested = Vec::new();
    Failure::schemas(&mut nested);
    Problem::schemas(&mut nested);
    components.schemas.extend(nested);
    components.schemas.values_mut().for_each(close);
    for failure in &FAILURES {
        components
            .responses
            .insert(failure.name.to_owned(), failure.response().into());
    }
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
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
    if path.contains("{name}") {
        operation
            .parameters
            .get_or_insert_default()
            .insert(0, name_parameter().into());
    }
    let api = path.starts_with("/api/v1/containers");
    let kind = Kind {
        any: true,
        engine: api,
        named: path.contains("{name}"),
        changes: api && *method != HttpMethod::Get,
        body: operation.request_body.is_some(),
    };
    for failure in FAILURES.iter().filter(|failure| (failure.when)(&kind)) {
        operation
            .responses
            .responses
            .entry(failure.status.to_owned())
            .or_insert_with(|| Ref::from_response_name(failure.name).into());
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if status != "200" {
                let problem = Content::new(Some(Ref::from_schema_name("Problem")));
                response
                    .content
                    .insert("application/problem+json".into(), problem.into());
            }
            response
                .headers
                .insert("X-Request-ID".into(), id_header().into());
        }
    }
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

fn id_header() -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)),
        ))
        .description(Some("The request's ID, the caller's own if it sent one."))
        .build()
}

/// What matters of an operation for the errors it can have.
struct Kind {
    any: bool,
    engine: bool,
    named: bool,
    changes: bool,
    body: bool,
}

struct FailureResponse {
    status: &'static str,
    name: &'static str,
    about: &'static str,
    when: fn(&Kind) -> bool,
}

impl FailureResponse {
    fn response(&self) -> Response {
        let content = |name: &str| Content::new(Some(Ref::from_schema_name(name)));
        let mut response = ResponseBuilder::new()
            .description(self.about)
            .content("application/json", content("Failure"))
            .content("application/problem+json", content("Problem"))
            .header("X-Request-ID", id_header());
        if self.status == "503" {
            let seconds = HeaderBuilder::new()
                .schema(Some(
                    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)),
                ))
                .description(Some("Seconds after which it is sensible to try again."));
            response = response.header("Retry-After", seconds.build());
        }
        response.build()
    }
}

const fn failure(
    status: &'static str,
    name: &'static str,
    about: &'static str,
    when: fn(&Kind) -> bool,
) -> FailureResponse {
    FailureResponse {
        status,
        name,
        about,
        when,
    }
}

/// Every error there is, and which operations can have it.
static FAILURES: [FailureResponse; 12] = [
    failure(
        "400",
        "BadRequest",
        "The request is wrong; `error.field` says where.",
        |kind| kind.any,
    ),
    failure(
        "403",
        "Forbidden",
        "The request comes from a web page that may not use the server.",
        |kind| kind.any,
    ),
    failure(
        "404",
        "NotFound",
        "The container, image or path does not exist.",
        |kind| kind.engine,
    ),
    failure(
        "408",
        "TimedOut",
        "The request's body or the engine's work took too long.",
        |kind| kind.engine,
    ),
    failure(
        "409",
        "Conflict",
        "The container's state, or another container, forbids it.",
        |kind| kind.named || kind.changes,
    ),
    failure(
        "413",
        "TooLarge",
        "More than the server takes or gives at once.",
        |kind| kind.engine,
    ),
    failure(
        "415",
        "UnsupportedMediaType",
        "The body is not plain JSON.",
        |kind| kind.changes,
    ),
    failure(
        "421",
        "Misdirected",
        "The request names a host that is not this server.",
        |kind| kind.any,
    ),
    failure(
        "500",
        "Failed",
        "The engine or the server failed.",
        |kind| kind.any,
    ),
    failure(
        "502",
        "BadEngine",
        "The engine's answer makes no sense.",
        |kind| kind.engine,
    ),
    failure(
        "503",
        "Unavailable",
        "Podman can't be reached, or the server is busy or stopping.",
        |kind| kind.engine,
    ),
    failure(
        "507",
        "NoSpace",
        "No space is left for the engine or in the container.",
        |kind| kind.body || kind.changes,
    ),
];

#[cfg(test)]
mod tests;
