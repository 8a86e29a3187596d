//! What happens to the fake's containers by itself: memory is wanting, a health check says something.

use super::FakePodman;
use super::handle::event_of;
use super::run::SIGKILL;
use serde_json::json;

impl FakePodman {
    /// The kernel kills the main process because memory is wanting; Podman 4.3 does not tell why. False if it does not
    /// run.
    pub fn kill_for_memory(&self, name: &str) -> bool {
        let mut state = self.core.state();
        let old = self.core.version.is_old();
        let Ok(container) = state.find(name) else {
            return false;
        };
        let Some(main) = container.main else {
            return false;
        };
        container.oom_killed = !old;
        container.inside.processes.signal(main, SIGKILL);
        true
    }

    /// A health check says something. False if there is no such container.
    pub fn check_health(&self, name: &str, status: &str) -> bool {
        let mut state = self.core.state();
        let Ok(container) = state.find(name) else {
            return false;
        };
        let mut event = event_of(container, "health_status");
        event["HealthStatus"] = json!(status);
        self.core.happens(&mut state, event);
        true
    }
}
