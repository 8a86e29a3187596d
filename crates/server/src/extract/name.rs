//! The container's name in a path.

use crate::edge::Subject;
use crate::refusal::Refusal;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use podlane_engine::{
    ContainerRef, ImageRef, InnerPath, NetworkName, PodName, RegistryName, SecretName, VolumeName,
};

/// `{name}`: percent-decoded once, then checked. What could be read as anything but a name (`/`, NUL,
/// a space, `?`, `%`) is refused, so it can stand in the engine's URL as it is.
#[derive(Debug)]
pub(crate) struct Name(pub(crate) ContainerRef);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text = parameter(parts, state, "name").await?;
        let name = ContainerRef::parse(&text).map_err(Refusal::in_field("name"))?;
        if let Some(subject) = parts.extensions.get::<Subject>() {
            subject.set(name.as_str());
        }
        Ok(Self(name))
    }
}

macro_rules! name_in_path {
    ($extractor:ident, $parameter:literal, $name:ty) => {
        #[doc = concat!("`{", $parameter, "}`: percent-decoded once, then checked.")]
        #[derive(Debug)]
        pub(crate) struct $extractor(pub(crate) $name);

        impl<S: Send + Sync> FromRequestParts<S> for $extractor {
            type Rejection = Refusal;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
                let text = parameter(parts, state, $parameter).await?;
                let name = <$name>::parse(&text).map_err(Refusal::in_field($parameter))?;
                Ok(Self(name))
            }
        }
    };
}

name_in_path!(Image, "image", ImageRef);
name_in_path!(Volume, "volume", VolumeName);
name_in_path!(Network, "network", NetworkName);
name_in_path!(Secret, "secret", SecretName);
name_in_path!(Pod, "pod", PodName);
name_in_path!(Registry, "registry", RegistryName);

/// `{*path}`: the rest of the request's path, percent-decoded once, as an absolute path in a container.
#[derive(Debug)]
pub(crate) struct FilePath(pub(crate) InnerPath);

impl<S: Send + Sync> FromRequestParts<S> for FilePath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text = parameter(parts, state, "path").await?;
        let path = InnerPath::parse(&format!("/{text}")).map_err(Refusal::in_field("path"))?;
        Ok(Self(path))
    }
}

async fn parameter<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &'static str,
) -> Result<String, Refusal> {
    let wrong = |_| Refusal::field(name, format!("the {name} in the path is not UTF-8"));
    let parameters = RawPathParams::from_request_parts(parts, state).await;
    let parameters = parameters.map_err(wrong)?;
    let value = parameters.iter().find(|(known, _)| *known == name);
    Ok(value.map(|(_, value)| value.to_owned()).unwrap_or_default())
}
