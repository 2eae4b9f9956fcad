"""Tests of geo_service."""
