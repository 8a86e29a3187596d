//! `podlane token`: tokens made, listed, revoked and renewed in the database of this machine's server,
//! whether it runs or not.

use crate::arguments::{NewTokenFlags, TokenVerb};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::state;
use podlane_server::config::{Config, Environment};
use podlane_service::{Bounds, Caller, NewToken, Scope, Tenant, Token, Tokens};
use std::process::ExitCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) fn run(
    environment: &Environment,
    verb: TokenVerb,
    out: &mut Printer,
) -> Result<ExitCode, Failure> {
    let (place, work) = verb.split();
    let config = Config::load(environment, &place.into())?;
    let tokens = Tokens::new(config.auth, state::directory(&config, environment));
    // Whoever can read the database is the server's equal.
    let caller = Caller::server();
    match work {
        Work::Create(flags) => {
            let (token, text) = tokens.create(&caller, &wanted(flags))?;
            out.line(text.reveal())?;
            crate::failure::tell(&format!(
                "token {} ({}) is made; it is shown only now",
                token.id, token.name
            ));
        }
        Work::List => {
            for line in table(&tokens.list(&caller)?) {
                out.line(line)?;
            }
        }
        Work::Revoke(id) => {
            let token = tokens.revoke(&caller, &id)?;
            crate::failure::tell(&format!("token {} ({}) is revoked", token.id, token.name));
        }
        Work::Rotate(id) => {
            let (token, text) = tokens.renew(&caller, &id)?;
            out.line(text.reveal())?;
            crate::failure::tell(&format!(
                "token {} ({}) has a new secret, and the old one is good no more; it is shown only now",
                token.id, token.name
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be done.
pub(crate) enum Work {
    Create(NewTokenFlags),
    List,
    Revoke(String),
    Rotate(String),
}

fn wanted(flags: NewTokenFlags) -> NewToken {
    NewToken {
        name: flags.name,
        role: flags.role,
        scopes: flags.scopes,
        networks: flags.networks,
        bounds: Bounds {
            tenant: flags.tenant,
            prefix: flags.name_prefix,
            container: None,
        },
        certificate: flags.certificate,
        life: flags.expires_in,
    }
}

fn table(tokens: &[Token]) -> Vec<String> {
    let head = [
        "ID",
        "NAME",
        "ROLE OR SCOPES",
        "TENANT",
        "NETWORKS",
        "STATE",
    ]
    .map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(tokens.iter().map(row))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..5)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}  "));
        cells.collect::<String>() + &row[5]
    };
    rows.iter().map(line).collect()
}

/// A tenant, a slash, and what names begin with.
fn within(bounds: &Bounds) -> String {
    let tenant = bounds.tenant.as_ref().map_or("any", Tenant::as_str);
    match &bounds.prefix {
        Some(prefix) => format!("{tenant}/{}*", prefix.as_str()),
        None => tenant.to_owned(),
    }
}

fn row(token: &Token) -> [String; 6] {
    let date = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let scopes = || {
        let scopes: Vec<_> = token.scopes.iter().map(Scope::as_str).collect();
        scopes.join(",")
    };
    let role = token.role.map(|role| role.as_str().to_owned());
    let networks: Vec<_> = token.networks.iter().map(ToString::to_string).collect();
    let state = match (token.revoked, token.expires) {
        (Some(time), _) => format!("revoked {}", date(time)),
        (None, Some(time)) if !token.is_live(OffsetDateTime::now_utc()) => {
            format!("expired {}", date(time))
        }
        (None, Some(time)) => format!("good until {}", date(time)),
        (None, None) => "good".to_owned(),
    };
    [
        token.id.clone(),
        token.name.clone(),
        role.unwrap_or_else(scopes),
        within(&token.bounds),
        if networks.is_empty() {
            "any".to_owned()
        } else {
            networks.join(",")
        },
        state,
    ]
}
