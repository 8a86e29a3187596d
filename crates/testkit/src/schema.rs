//! The OpenAPI document as a judge of answers.

use http::{Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The committed document; a test of the server's own sees that it is current.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../openapi.json")).expect("openapi.json is JSON")
});

type Validators = Mutex<HashMap<(String, String, u16), Arc<Validator>>>;
static VALIDATORS: LazyLock<Validators> = LazyLock::new(Validators::default);

/// Panics unless the document has this answer: the path and method, the status, and the body's form.
/// Answers to paths that the document does not have must be errors, in the form of all errors.
pub(crate) fn check(method: &Method, path: &str, status: StatusCode, body: Option<&Value>) {
    // What answers GET answers HEAD, without a body.
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let Some(template) = template(method, path) else {
        assert!(
            status.is_client_error(),
            "{method} {path} is not in openapi.json and answers {status}"
        );
        return;
    };
    let Some(body) = body else { return };
    let key = (template.clone(), method.to_string(), status.as_u16());
    let mut validators = VALIDATORS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = Arc::clone(
        validators
            .entry(key)
            .or_insert_with(|| Arc::new(validator(&template, method, status))),
    );
    drop(validators);
    let wrong: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{method} {path} {status} does not fit openapi.json: {wrong:?}\n{body:#}"
    );
}

/// The document's path that a request's path is an instance of.
fn template(method: &Method, path: &str) -> Option<String> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let path = path.split('?').next().unwrap_or(path);
    let fits = |template: &&String| {
        let mut parts = template.split('/').zip(path.split('/'));
        let (wanted, is) = (template.split('/').count(), path.split('/').count());
        // A path of a file has any number of parts, and so has the name of an image.
        let any = template.ends_with("/{path}") || template.ends_with("/{image}");
        (wanted == is || wanted < is && any)
            && parts.all(|(wanted, is)| wanted == is || (wanted.starts_with('{') && !is.is_empty()))
    };
    let template = paths.keys().find(fits)?;
    let method = method.as_str().to_lowercase();
    paths[template].get(&method).map(|_| template.clone())
}

fn validator(template: &str, method: &Method, status: StatusCode) -> Validator {
    let operation = &DOCUMENT["paths"][template][method.as_str().to_lowercase()];
    let responses = &operation["responses"];
    let mut response = responses.get(status.as_str());
    if response.is_none() {
        response = responses.get("default");
    }
    let response =
        response.unwrap_or_else(|| panic!("openapi.json has no {status} for {method} {template}"));
    let response = match response["$ref"].as_str() {
        Some(reference) => DOCUMENT
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} is in openapi.json")),
        None => response,
    };
    let content = &response["content"]["application/json"]["schema"];
    assert!(
        !content.is_null(),
        "openapi.json has no JSON body for {method} {template} {status}"
    );
    let schema = json!({ "allOf": [content], "components": DOCUMENT["components"] });
    jsonschema::draft202012::new(&schema).expect("a schema of openapi.json is valid")
}
