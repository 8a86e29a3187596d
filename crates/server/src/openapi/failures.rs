//! Every error that an answer can be, once for all operations.

use super::id_header;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Content, HeaderBuilder, ObjectBuilder, Ref, Response, ResponseBuilder};

pub(super) struct Failure {
    pub(super) status: &'static str,
    pub(super) name: &'static str,
    about: &'static str,
    when: When,
}

/// Which operations can have an error.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// Those that want to know who asks.
    Known,
    /// Those that ask the engine.
    Asking,
    /// Those that ask about one container, or change something.
    Contested,
    /// Those that change something.
    Changing,
    /// Those that take a key.
    Keyed,
}

#[rustfmt::skip]
pub(super) static ALL: [Failure; 16] = [
    failure("400", "BadRequest", When::Always, "The request is wrong; `error.field` says where."),
    failure("401", "Unidentified", When::Known, "The server wants a token, and this is none that is good."),
    failure("403", "Forbidden", When::Always, "The token does not permit it, or the request comes from a web page that may not use the server."),
    failure("404", "NotFound", When::Asking, "What the request is about does not exist."),
    failure("408", "TimedOut", When::Asking, "The request's body or the engine's work took too long."),
    failure("409", "Conflict", When::Contested, "The state of what the request is about, or something else that is there, forbids it."),
    failure("413", "TooLarge", When::Asking, "More than the server takes or gives at once."),
    failure("415", "UnsupportedMediaType", When::Changing, "The body is not plain JSON."),
    failure("421", "Misdirected", When::Always, "The request names a host that is not this server."),
    failure("422", "KeyReused", When::Keyed, "The `Idempotency-Key` has been used for another request."),
    failure("429", "TooOften", When::Known, "The caller asks too often."),
    failure("500", "Failed", When::Always, "The engine or the server failed."),
    failure("501", "Unsupported", When::Asking, "This Podman, or this host, can't do it; `/api/v1/capabilities` says so beforehand."),
    failure("502", "BadEngine", When::Asking, "The engine's answer makes no sense."),
    failure("503", "Unavailable", When::Asking, "Podman can't be reached, or the server is busy or stopping."),
    failure("507", "NoSpace", When::Changing, "No space is left for the engine or in the container."),
];

const fn failure(
    status: &'static str,
    name: &'static str,
    when: When,
    about: &'static str,
) -> Failure {
    Failure {
        status,
        name,
        about,
        when,
    }
}

/// The errors that an operation can have.
pub(super) fn of(path: &str, method: &HttpMethod) -> impl Iterator<Item = &'static Failure> {
    let alone = ["/api/v1/health", "/api/v1/metrics", "/api/v1/recordings"];
    let asks = path.starts_with("/api/v1/") && !alone.contains(&path);
    let named = path.contains("{name}") || path.starts_with("/api/v1/execs/{id}");
    let keyed = super::takes_key(path, method);
    let changes = *method != HttpMethod::Get;
    ALL.iter().filter(move |failure| match failure.when {
        When::Always => true,
        When::Known => !crate::authenticate::is_open(path),
        When::Asking => asks,
        When::Contested => named || changes,
        When::Changing => changes,
        When::Keyed => keyed,
    })
}

impl Failure {
    pub(super) fn response(&self) -> Response {
        let content = |name: &str| Content::new(Some(Ref::from_schema_name(name)));
        let mut response = ResponseBuilder::new()
            .description(self.about)
            .content("application/json", content("Failure"))
            .content("application/problem+json", content("Problem"))
            .header("X-Request-ID", id_header());
        if matches!(self.status, "409" | "429" | "503") {
            let seconds = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
            let header = HeaderBuilder::new()
                .schema(Some(seconds))
                .description(Some("Seconds after which it is sensible to try again."));
            response = response.header("Retry-After", header.build());
        }
        response.build()
    }
}
