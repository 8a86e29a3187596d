//! A table of routes. Each is where its handler's documentation says (`#[utoipa::path]`).
//!
//! `utoipa_axum`'s router does this too, but makes the whole OpenAPI document at each start, which is most of the
//! memory and of the time that a start takes. Here only a test makes it, of the same table; what the server serves is
//! the committed one.

use crate::App;
use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::PathItemExt;

/// Routes, and in tests their documentation.
#[derive(Default)]
pub(crate) struct Table {
    router: Router<App>,
    #[cfg(test)]
    documented: utoipa_axum::router::OpenApiRouter<App>,
}

impl Table {
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        #[cfg(test)]
        {
            self.documented = self.documented.merge(other.documented);
        }
        self
    }

    pub(super) fn routes(mut self, of: OnePath) -> Self {
        self.router = self.router.route(&of.path, of.methods);
        #[cfg(test)]
        {
            self.documented = self.documented.routes(of.documented);
        }
        self
    }

    pub(super) fn into_router(self) -> Router<App> {
        self.router
    }

    #[cfg(test)]
    pub(crate) fn into_openapi(self) -> utoipa::openapi::OpenApi {
        self.documented.into_openapi()
    }
}

/// What is at one path.
#[derive(Default)]
pub(super) struct OnePath {
    pub(super) path: String,
    pub(super) methods: MethodRouter<App>,
    #[cfg(test)]
    pub(super) documented: utoipa_axum::router::UtoipaMethodRouter<App>,
}

impl OnePath {
    /// Adds a handler, by what its documentation says.
    pub(super) fn add<T: 'static>(
        &mut self,
        path: String,
        methods: &[HttpMethod],
        handler: &(impl Handler<T, App> + Copy),
    ) {
        self.path = path;
        for method in methods {
            let methods = std::mem::take(&mut self.methods);
            self.methods = methods.on(method.to_method_filter(), *handler);
        }
    }
}

/// What `#[utoipa::path]` says of a handler.
macro_rules! said {
    ($what:ident of [$($module:ident)*] $handler:ident) => {
        pastey::paste! { <$($module::)* [<__path_ $handler>] as utoipa::Path>::$what() }
    };
    ($what:ident of [$($module:ident)*] $next:ident $($rest:ident)+) => {
        $crate::router::table::said!($what of [$($module)* $next] $($rest)+)
    };
}

/// The handlers of one path.
macro_rules! routes {
    ($($($part:ident)::+),+ $(,)?) => {{
        let mut of = $crate::router::table::OnePath::default();
        $(
            of.add(
                $crate::router::table::said!(path of [] $($part)+),
                &$crate::router::table::said!(methods of [] $($part)+),
                &$($part)::+,
            );
        )+
        #[cfg(test)]
        {
            of.documented = utoipa_axum::routes!($($($part)::+),+);
        }
        of
    }};
}

pub(super) use {routes, said};
