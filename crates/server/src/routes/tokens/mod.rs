//! `/api/v1/tokens`

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
pub(crate) mod rotate;

use crate::timestamp;
use podlane_api::{CreatedToken, Hidden, Token, True};
use podlane_service::TokenText;

/// What is known of a token.
fn answer(token: podlane_service::Token) -> Token {
    Token {
        id: token.id,
        name: token.name,
        role: token.role.map(|role| role.as_str().to_owned()),
        scopes: token.scopes.iter().map(|scope| scope.to_string()).collect(),
        certificate: token.certificate.map(|shown| shown.to_string()),
        tenant: token.bounds.tenant.map(|tenant| tenant.to_string()),
        name_prefix: token.bounds.prefix.map(|prefix| prefix.as_str().to_owned()),
        networks: token.networks.iter().map(ToString::to_string).collect(),
        created: timestamp::format(token.created),
        expires: token.expires.map(timestamp::format),
        revoked: token.revoked.map(timestamp::format),
    }
}

/// A token with its secret.
fn created((token, text): (podlane_service::Token, TokenText)) -> CreatedToken {
    CreatedToken {
        success: True,
        token: answer(token),
        secret: Hidden(text.reveal().to_owned()),
    }
}
