//! What the binary does besides serving.

use backend::billing::{Stripe, StripeFault};
use backend::config::Config;

/// Makes what is missing of the catalog on Stripe's account, with a live key too, and says what is there.
///
/// # Errors
/// Whatever Stripe says. What was made until then stays, and is found by the next try.
pub async fn set_up_stripe(config: &Config) -> Result<(), StripeFault> {
    crate::startup::install_crypto();
    let catalog = Stripe::new(&config.stripe)?.make_catalog().await?;
    tracing::info!(
        monthly = catalog.monthly,
        yearly = catalog.yearly,
        portal = catalog.portal,
        "Stripe's account has everything that Seamline sells"
    );
    Ok(())
}
