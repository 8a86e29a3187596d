//! Who asks a registry for an image: nobody else's password, and none that is for another registry.

use super::keeper::unkept;
use super::operations::missing;
use super::{owner, whole};
use crate::{Call, Error, Result, Service};
use podlane_engine::{ImageRef, RegistryHost, RegistryLogin, RegistryName};

/// Why a registry is of no use whose password was encrypted with a key that is not there.
const LOST: &str = "the registry's password can't be read any more, because the server's key is missing or another one: give it anew";

/// Who asks a registry for an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PullAs {
    /// Whoever the engine is set up to ask as.
    #[default]
    Engine,
    /// Who the caller says.
    Given(RegistryLogin),
    /// Who is kept under a name. The image must be of that registry.
    Kept(RegistryName),
    /// Whoever of these is for the image's registry, if somebody is.
    AnyOf(Vec<RegistryName>),
}

impl Service {
    /// Who asks for an image. Nobody has to be asked for that but the database.
    pub(crate) async fn login(
        &self,
        call: &Call,
        image: &ImageRef,
        pull_as: &PullAs,
    ) -> Result<Option<RegistryLogin>> {
        match pull_as {
            PullAs::Engine => Ok(None),
            PullAs::Given(login) => Ok(Some(login.clone())),
            PullAs::Kept(name) => {
                let (host, login) = self.kept_login(call, name).await?;
                if image.registry().as_ref() == Some(&host) {
                    return login.map(Some);
                }
                let message = format!(
                    "the registry \"{name}\" is for images whose names begin with {host}/, and {image} is none"
                );
                Err(Error::invalid("registry", message))
            }
            PullAs::AnyOf(names) => {
                let mut found = None;
                for name in names {
                    let (host, login) = self.kept_login(call, name).await?;
                    if found.is_none() && image.registry() == Some(host) {
                        found = Some(login?);
                    }
                }
                Ok(found)
            }
        }
    }

    /// Who asks a registry for what an image is built of. The engine tells no other registry.
    pub(crate) async fn login_for_build(
        &self,
        call: &Call,
        name: &RegistryName,
    ) -> Result<(RegistryHost, RegistryLogin)> {
        let (host, login) = self.kept_login(call, name).await?;
        let login = login?;
        // Podman writes it into a file for the time of the build, which has no word for tokens.
        if matches!(login, RegistryLogin::IdentityToken(_)) {
            let message = format!(
                "Podman builds with a name and a password only, and the registry \"{name}\" has an identity token"
            );
            return Err(Error::invalid("registry", message));
        }
        Ok((host, login))
    }

    /// A registry's host, and who asks there, if that can be read.
    async fn kept_login(
        &self,
        call: &Call,
        name: &RegistryName,
    ) -> Result<(RegistryHost, Result<RegistryLogin>)> {
        let (tenant, name) = (call.tenant().cloned(), name.clone());
        self.with_registries(move |registries| {
            let found = match registries.there()? {
                Some(store) => store.with_secret(owner(tenant.as_ref()), name.as_str()),
                None => Ok(None),
            };
            let found = found.map_err(unkept)?;
            let (registry, secret) = found.ok_or_else(|| missing(&name))?;
            let host = RegistryHost::parse(&registry.host).map_err(unkept)?;
            let lost = |reason: String| Error::Unkept {
                message: LOST,
                reason,
            };
            let login = secret.map_err(|error| lost(error.to_string()));
            let login = login.and_then(|secret| {
                let login = whole(registry.username, &secret);
                login.ok_or_else(|| lost("it is no text".into()))
            });
            Ok((host, login))
        })
        .await
    }
}
