//! Signatures of what is sent, by the Standard Webhooks specification: HMAC-SHA256 of ID, time and body.

use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use podlane_store::Secret;
use sha2::Sha256;
use std::fmt;
use std::ops::RangeInclusive;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many bytes the specification recommends.
const BYTES: RangeInclusive<usize> = 24..=64;

/// What a webhook's messages are signed with, known to its receiver too.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Secret);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SigningSecret {
    /// `whsec_` and 24 to 64 bytes in Base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// A new one.
    pub(super) fn make() -> Result<Self> {
        let mut bytes = vec![0; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::Internal {
            step: "drawing a random number",
            reason: error.to_string(),
        })?;
        Ok(Self(bytes.into()))
    }

    /// One that was kept.
    pub(super) fn kept(secret: Secret) -> Self {
        Self(secret)
    }

    /// It, to be kept.
    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    /// It, for whoever made it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.bytes()))
    }

    /// The header `webhook-signature` of a message that is sent at `seconds` since 1970.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &str) -> Result<String> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.bytes());
        let mut mac = mac.map_err(|error| Error::Internal {
            step: "signing a message",
            reason: error.to_string(),
        })?;
        mac.update(format!("{id}.{seconds}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        Ok(format!("v1,{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example() {
        // Source: the libraries of standardwebhooks.com test with it.
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("good");
        let signature = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.expect("signed"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn secrets_have_a_form_and_are_not_shown() {
        let made = SigningSecret::make().expect("made");
        assert_eq!(SigningSecret::parse(&made.reveal()), Some(made.clone()));
        assert_ne!(SigningSecret::make().expect("made"), made);
        assert_eq!(format!("{made:?}"), "(hidden)");
        for wrong in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
            "whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &format!("whsec_{}", "A".repeat(88)),
        ] {
            assert_eq!(SigningSecret::parse(wrong), None, "{wrong}");
        }
    }
}
