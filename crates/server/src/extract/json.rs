//! JSON bodies, read strictly.

use super::query::Names;
use super::{body, media, mistakes};
use crate::App;
use crate::refusal::Refusal;
use crate::serve::Framing;
use axum::extract::{FromRequest, Request};
use podlane_service::Call;
use serde::de::DeserializeOwned;

/// A JSON body of a known shape.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        media::require_json(request.headers())?;
        let bytes = bytes(request, app, usize::MAX).await?;
        parse(&bytes).map(Self)
    }
}

/// No body, or one that says nothing: empty, or `{}`.
#[derive(Debug)]
pub(crate) struct NoBody;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl FromRequest<App> for NoBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let headers = request.headers().clone();
        let parameters = request.extensions().get().copied();
        let bytes = bytes(request, app, usize::MAX).await?;
        if !bytes.is_empty() {
            media::require_json(&headers)?;
            parse::<Nothing>(&bytes).map_err(|refusal| belongs_elsewhere(refusal, parameters))?;
        }
        Ok(Self)
    }
}

/// A field in a body that takes none may be a parameter.
fn belongs_elsewhere(refusal: Refusal, parameters: Option<Names>) -> Refusal {
    let Names(names) = parameters.unwrap_or(Names(&[]));
    match refusal {
        Refusal::Field { field, message, .. } if names.contains(&&*field) => Refusal::Field {
            hint: Some(format!(
                "this endpoint takes no body: `{field}` is a query parameter, as in ?{field}=…"
            )),
            field,
            message,
        },
        refusal => refusal,
    }
}

/// A document of YAML, or JSON, of a moderate size, unread.
#[derive(Debug)]
pub(crate) struct Document(pub(crate) Vec<u8>);

/// The largest document.
const LARGEST: usize = 1 << 20;

impl FromRequest<App> for Document {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        media::require_yaml(request.headers())?;
        bytes(request, app, LARGEST).await.map(Self)
    }
}

/// A body up to the server's bound, or a lower one.
async fn bytes(request: Request, app: &App, most: usize) -> Result<Vec<u8>, Refusal> {
    let (parts, body) = request.into_parts();
    let call = parts.extensions.get::<Call>().cloned();
    let call = call.unwrap_or_else(|| unreachable!("the edge gives every request its call"));
    let limit = app.settings.body_bytes.min(most);
    let bytes = body::read(&parts.headers, body, &app.settings, limit, &call).await?;
    // The framing of the body is known only now.
    Framing::check(&parts.extensions)?;
    Ok(bytes)
}

/// Reads one JSON object, and nothing after it.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let wrong = |message: &str| Refusal::Json {
        message: message.into(),
    };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(wrong(
            "the body begins with a byte order mark: leave it out",
        ));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(wrong("the body is not UTF-8 (UTF-16 or UTF-32, it seems)"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("the body is not UTF-8"))?;
    // serde would take an array for an object by the order of its fields.
    match text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .as_bytes()
        .first()
    {
        Some(b'{') => {}
        Some(_) => return Err(wrong("the body must be a JSON object")),
        None => return Err(wrong("the body is empty: a JSON object is required")),
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| mistakes::refusal(&error))?;
    json.end()
        .map_err(|_| wrong("the body goes on after its JSON object"))?;
    Ok(value)
}
