//! A database knows whose it is.

use super::durability::refused;
use crate::harness::{World, custom_cart, run_with};

#[tokio::test]
async fn a_database_of_another_store_is_refused_with_a_sentence() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&custom_cart()).await;
    service.stop().await;
    let why = refused(&world, &[("BIGCOMMERCE_STORE_HASH", "anotherstore")]).await;
    assert!(why.contains("do not belong together") && why.contains("\"anotherstore\""), "{why}");
    assert!(why.contains("DATABASE_URL") && why.contains("STORES_FILE"), "{why}");
    // And the right one still finds its checkouts.
    run_with(world, async |_, service| {
        service.get(&path).await.expect(200);
    })
    .await;
}
