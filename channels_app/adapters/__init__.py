"""Code that speaks to one provider each. Adapters know no model and no Celery."""
