"""Image restoration: from a noisy, rainy, hazy or small picture back to the clean one."""
