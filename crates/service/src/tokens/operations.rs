//! Tokens made, listed, revoked and renewed.

use super::keeper::unkept;
use super::secret::is_id;
use super::{Fingerprint, Presented, Token, TokenText, Tokens};
use crate::{Bounds, Call, Caller, Error, Result, Role, Scope, Scopes, Service};
use ipnet::IpNet;
use podlane_store::{Store, TokenRecord};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// The longest name, in characters.
const NAME: usize = 100;
/// How many tokens are kept, revoked ones too: all are in memory.
const MANY: usize = 10_000;
/// How many networks a token may name.
const NETWORKS: usize = 32;
/// The longest life that has an end: ten years.
const LIFE: Duration = Duration::from_secs(10 * 366 * 86_400);

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// A role, instead of scopes.
    pub role: Option<Role>,
    /// What its holder may do.
    pub scopes: Vec<Scope>,
    /// Where it may come from; empty for anywhere.
    pub networks: Vec<IpNet>,
    /// The client certificate whose holder needs no token.
    pub certificate: Option<Fingerprint>,
    /// What its holder is kept within; where it says nothing, what its maker is.
    pub bounds: Bounds,
    /// How long it is good.
    pub life: Option<Duration>,
}

impl NewToken {
    fn scopes(&self) -> Result<Scopes> {
        match (self.role, self.scopes.as_slice()) {
            (Some(role), []) => Ok(role.scopes()),
            (None, [_, ..]) => Ok(self.scopes.iter().copied().collect()),
            (Some(_), _) => Err(Error::invalid(
                "scopes",
                "`role` and `scopes` exclude each other",
            )),
            (None, []) => Err(Error::invalid(
                "role",
                "`role` (viewer, operator or admin) or `scopes` is missing",
            )),
        }
    }

    fn check(&self) -> Result<()> {
        let printable = !self.name.chars().any(char::is_control) && !self.name.trim().is_empty();
        if !printable || self.name.chars().count() > NAME {
            let message = format!("`name` must have 1 to {NAME} characters that can be printed");
            return Err(Error::invalid("name", message));
        }
        if self.networks.len() > NETWORKS {
            let message = format!("`networks` must be at most {NETWORKS}");
            return Err(Error::invalid("networks", message));
        }
        if self.life.is_some_and(|life| life.is_zero() || life > LIFE) {
            let message = format!(
                "`expires_in` must be from 1 to {} seconds, which is ten years",
                LIFE.as_secs()
            );
            return Err(Error::invalid("expires_in", message));
        }
        Ok(())
    }
}

fn new_text(id: Option<&str>) -> Result<TokenText> {
    TokenText::make(id).map_err(|error| Error::Internal {
        step: "making a token",
        reason: error.to_string(),
    })
}

fn make(
    store: &Store,
    new: &NewToken,
    scopes: Scopes,
    bounds: &Bounds,
) -> Result<(Token, TokenText)> {
    let text = new_text(None)?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let life = new
        .life
        .map(|life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
    let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
    let networks: Vec<_> = new.networks.iter().map(IpNet::to_string).collect();
    let record = TokenRecord {
        id: text.id().to_owned(),
        hash: text.hash(),
        name: new.name.clone(),
        role: new.role.map(|role| role.as_str().to_owned()),
        scopes: scopes.join(" "),
        networks: networks.join(" "),
        certificate: new.certificate.as_ref().map(ToString::to_string),
        tenant: bounds.tenant.as_ref().map(ToString::to_string),
        prefix: bounds
            .prefix
            .as_ref()
            .map(|prefix| prefix.as_str().to_owned()),
        created: now,
        expires: life.map(|life| now.saturating_add(life)),
        revoked: None,
    };
    store.add_token(&record).map_err(unkept)?;
    Ok((Token::from(&record), text))
}

impl Tokens {
    /// Every token, revoked ones too, the oldest first. Blocks, as all of these do.
    pub fn list(&self, caller: &Caller) -> Result<Vec<Token>> {
        caller.must(Scope::TokensRead)?;
        let mut all = self.all()?;
        all.retain(|token| caller.bounds().hold(&token.bounds));
        Ok(all)
    }

    /// Makes a token. Nobody can give more than they have. The text is shown this once.
    pub fn create(&self, caller: &Caller, new: &NewToken) -> Result<(Token, TokenText)> {
        caller.must(Scope::TokensWrite)?;
        new.check()?;
        let scopes = new.scopes()?;
        for scope in scopes.iter() {
            caller.must(scope)?;
        }
        let own = caller.bounds();
        let bounds = Bounds {
            tenant: new.bounds.tenant.clone().or_else(|| own.tenant.clone()),
            prefix: new.bounds.prefix.clone().or_else(|| own.prefix.clone()),
            container: None,
        };
        if !own.hold(&bounds) {
            return Err(Error::Bounded {
                what: "a token for more than one's own tenant and name prefix",
            });
        }
        let all = self.all()?;
        let taken = |token: &Token| {
            token.revoked.is_none()
                && token.certificate.is_some()
                && token.certificate == new.certificate
        };
        if all.iter().any(taken) {
            let message = "another token has this certificate; revoke that one first".to_owned();
            return Err(Error::Conflict { message });
        }
        if all.len() >= MANY {
            let message = format!("there are {MANY} tokens already, the most that are kept");
            return Err(Error::Conflict { message });
        }
        make(&*self.store()?, new, scopes, &bounds)
    }

    /// Ends a token at once and for good.
    pub fn revoke(&self, caller: &Caller, id: &str) -> Result<Token> {
        caller.must(Scope::TokensWrite)?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let token = self.one(caller, id)?;
        self.store()?.revoke_token(&token.id, now).map_err(unkept)?;
        self.one(caller, id)
    }

    /// Gives a token another secret; the old one ends at once.
    pub fn renew(&self, caller: &Caller, id: &str) -> Result<(Token, TokenText)> {
        caller.must(Scope::TokensWrite)?;
        let token = self.one(caller, id)?;
        // Who renews it, holds it.
        for scope in token.scopes.iter() {
            caller.must(scope)?;
        }
        let text = new_text(Some(&token.id))?;
        let renewed = self.store()?.renew_token(&token.id, &text.hash());
        if !renewed.map_err(unkept)? {
            let message = "the token has been revoked; make a new one".to_owned();
            return Err(Error::Conflict { message });
        }
        Ok((token, text))
    }

    fn one(&self, caller: &Caller, id: &str) -> Result<Token> {
        let mut all = self.all()?.into_iter();
        let found = all.find(|token| token.id == id && caller.bounds().hold(&token.bounds));
        found.ok_or_else(|| Error::NoToken {
            id: if is_id(id) { id } else { "of that form" }.to_owned(),
        })
    }
}

impl Service {
    /// Who presents this from that address (`None`: from this machine).
    pub fn identify(&self, presented: Presented, peer: Option<IpAddr>) -> Result<Caller> {
        self.0.tokens.identify(presented, peer)
    }

    /// [`Tokens::list`].
    pub async fn tokens(&self, call: &Call) -> Result<Vec<Token>> {
        self.of_tokens(call, Tokens::list).await
    }

    /// [`Tokens::create`].
    pub async fn create_token(&self, call: &Call, new: NewToken) -> Result<(Token, TokenText)> {
        self.of_tokens(call, move |tokens, caller| tokens.create(caller, &new))
            .await
    }

    /// [`Tokens::revoke`].
    pub async fn revoke_token(&self, call: &Call, id: &str) -> Result<Token> {
        let id = id.to_owned();
        self.of_tokens(call, move |tokens, caller| tokens.revoke(caller, &id))
            .await
    }

    /// [`Tokens::renew`].
    pub async fn renew_token(&self, call: &Call, id: &str) -> Result<(Token, TokenText)> {
        let id = id.to_owned();
        self.of_tokens(call, move |tokens, caller| tokens.renew(caller, &id))
            .await
    }

    /// Does something that may wait for the disk, to its end.
    async fn of_tokens<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl FnOnce(&Tokens, &Caller) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tokens, call) = (Arc::clone(&self.0.tokens), call.clone());
        self.on_disk(move || work(&tokens, call.caller())).await
    }
}
