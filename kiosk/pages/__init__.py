"""The pages at which citizens make a visit, and the registration of the browsers that may show them (docs/kiosk-pages.md)."""
