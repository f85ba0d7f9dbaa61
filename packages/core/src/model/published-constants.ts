/**
 * Constants of the published weights that no file of the checkpoint holds (spec 1.4, 1.6, 3.1). They are the defaults of
 * `unified_config.json`, under its field names; `PUBLISHED_RESIZE_RULES` has those of the image transforms.
 */
export const PUBLISHED_CONSTANTS = {
  /** Latent cells per token and side. */
  latent_patch_size: 2,
  /** Side of the latent position table: 4096 rows in the published file. */
  max_latent_size: 64,
  /** Pixels of a drawn picture, width and height (spec 5.2). */
  default_image_size: [1024, 1024],
  /** FLUX autoencoder. */
  vae: {
    ch: 128,
    ch_mult: [1, 2, 4, 4],
    num_res_blocks: 2,
    z_channels: 16,
    group_norm_groups: 32,
    scale_factor: 0.3611,
    shift_factor: 0.1159,
  },
} as const;
