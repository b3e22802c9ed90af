//! How fast one address may send browser events. The count is this process's own: it guards the machine, not a secret.

use std::sync::Arc;

use governor::middleware::NoOpMiddleware;
use http::Request;
use tower_governor::GovernorError;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;

use app::visit::Visit;

/// Batches at once, from an office behind one address.
const BURST: u32 = 200;
/// One more every 20 ms.
const EVERY_MS: u64 = 20;

/// By the visitor's address, as the visit knows it.
#[derive(Clone, Copy, Debug)]
pub struct VisitorAddress;

impl KeyExtractor for VisitorAddress {
    type Key = std::net::IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<Self::Key, GovernorError> {
        let visit = request.extensions().get::<Visit>().ok_or(GovernorError::UnableToExtractKey)?;
        Ok(visit.visitor.address)
    }
}

/// Limits of `/ingest`.
pub fn ingest() -> Arc<GovernorConfig<VisitorAddress, NoOpMiddleware>> {
    let config = GovernorConfigBuilder::default()
        .key_extractor(VisitorAddress)
        .per_millisecond(EVERY_MS)
        .burst_size(BURST)
        .finish()
        .expect("a burst and a period above zero make a limit");
    Arc::new(config)
}
