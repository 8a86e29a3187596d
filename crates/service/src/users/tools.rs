//! Making an account with the image's own user tools, which take the lock that others inside take too.

use super::{Account, late, taken};
use crate::tool::Tool;
use crate::{Error, Result, Service};
use podlane_engine::{Call, ContainerId};
use std::time::Duration;

/// `useradd`'s exit code for a name that is taken. Source: useradd(8).
const USERADD_NAME_TAKEN: i32 = 9;
/// What shadow-utils say when someone else holds their lock for long.
const LOCKED: &str = "try again later";
/// How long to leave a lock to somebody else before asking for it again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long taking an account back may last, past the call's own deadline.
const UNDO: Duration = Duration::from_secs(10);

impl Service {
    /// With shadow-utils (Debian, Fedora). Whether the image has them.
    pub(super) async fn by_useradd(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
    ) -> Result<bool> {
        let name = account.name.as_str();
        let argv = [
            "useradd",
            "-m",
            "-d",
            &account.home,
            "-s",
            &account.shell,
            name,
        ];
        let tool = self.run_when_unlocked(call, id, &argv, &[]).await?;
        let Some(tool) = tool else { return Ok(false) };
        match tool.exit_code {
            0 => {}
            USERADD_NAME_TAKEN => return Err(taken(&account.name)),
            _ => {
                return Err(Error::Inside {
                    step: "useradd",
                    output: tool.output,
                });
            }
        }
        self.set_password(call, id, account, &["userdel", "-r", name])
            .await?;
        Ok(true)
    }

    /// With `BusyBox` (Alpine). Whether the image has it.
    pub(super) async fn by_adduser(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
    ) -> Result<bool> {
        let name = account.name.as_str();
        let argv = [
            "adduser",
            "-D",
            "-h",
            &account.home,
            "-s",
            &account.shell,
            name,
        ];
        let Some(tool) = self.run_tool(call, id, &argv, &[]).await? else {
            return Ok(false);
        };
        if tool.exit_code != 0 {
            if tool.output.contains("in use") || tool.output.contains("already exists") {
                return Err(taken(&account.name));
            }
            return Err(Error::Inside {
                step: "adduser",
                output: tool.output,
            });
        }
        self.set_password(call, id, account, &["deluser", "--remove-home", name])
            .await?;
        Ok(true)
    }

    /// Runs a user tool, again and again while another one inside holds their lock.
    async fn run_when_unlocked(
        &self,
        call: &Call,
        id: &ContainerId,
        argv: &[&str],
        stdin: &[u8],
    ) -> Result<Option<Tool>> {
        loop {
            let tool = self.run_tool(call, id, argv, stdin).await?;
            let locked = |tool: &Tool| tool.exit_code != 0 && tool.output.contains(LOCKED);
            if !tool.as_ref().is_some_and(locked) {
                return Ok(tool);
            }
            if call.remaining() < PAUSE {
                return Err(late(call, "waiting for the lock of the account files"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Gives a new account its password, or takes the account back.
    async fn set_password(
        &self,
        call: &Call,
        id: &ContainerId,
        account: &Account,
        undo: &[&str],
    ) -> Result<()> {
        let Some(hash) = &account.hash else {
            return Ok(());
        };
        let line = format!("{}:{hash}\n", account.name);
        let set = self
            .run_when_unlocked(call, id, &["chpasswd", "-e"], line.as_bytes())
            .await;
        let failed = match set {
            Ok(Some(tool)) if tool.exit_code == 0 => return Ok(()),
            Ok(Some(tool)) => Error::Inside {
                step: "chpasswd",
                output: tool.output.replace(hash.as_str(), "(hash)"),
            },
            Ok(None) => Error::Inside {
                step: "chpasswd",
                output: "the image does not have it".into(),
            },
            Err(error) => error,
        };
        let undo_call = call.extended(UNDO);
        let undone = self.run_when_unlocked(&undo_call, id, undo, &[]).await;
        if !matches!(&undone, Ok(Some(tool)) if tool.exit_code == 0) {
            tracing::warn!(request_id = %call.request_id, container = id.short(), user = %account.name, "an account without its password could not be taken back");
        }
        Err(failed)
    }
}
