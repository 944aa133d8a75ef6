/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SMC_SMC_INT_H
#define SMC_SMC_INT_H

/* What the files of the changer share among themselves. */

#include "smc/smc.h"

#include <pthread.h>
#include <time.h>

#define ELEM_TYPES    5 /* enum elem_type from ELEM_PICKER to ELEM_DRIVE; 0 stands for all */
#define VOLTAG_LEN    36
#define VOLUME_ID_LEN 32
#define SMC_TEMPLATES 16 /* initiators whose SEND VOLUME TAG is remembered */
#define SMC_OWN_MAX   256
#define DOOR_MAX      64 /* import/export elements with a door of their own; more share the last */

/* Which addresses a type's elements have: first .. first + count - 1. */
struct smc_layout {
	uint16_t first[ELEM_TYPES];
	unsigned count[ELEM_TYPES];
	enum elem_type order[ELEM_TYPES - 1]; /* types by ascending first address */
};

/* What is in an element. */
struct smc_content {
	bool exists; /* the element is in the tree */
	bool full;
	bool by_operator; /* ImpExp: a person put it here */
	bool source_valid;
	uint16_t source;     /* address of the storage element it came from */
	uint8_t medium_type; /* READ ELEMENT STATUS byte 9 bits 2-0 */
	char barcode[BARCODE_MAX + 1];
};

struct inventory; /* inventory.c */

struct smc_template { /* SEND VOLUME TAG of an initiator */
	uint64_t nexus;
	bool used;
	uint8_t action, type;
	uint16_t start;
	char id[VOLUME_ID_LEN + 1];
};

#define SMC_ASIDE_MAX 4 /* half of a port's threads */

struct smc_own { /* an event of ours that the watch will tell */
	struct elem e;
	char barcode[BARCODE_MAX + 1];
	struct timespec until; /* 0: while the move runs */
	uint64_t move;	       /* 0: free */
};

struct smc {
	/* constant */
	struct scsi_lu lu;
	struct scsi_lu_type type;
	const struct library_persona *persona;
	struct tree *tree;
	char library[LIBRARY_NAME_MAX + 1];
	void (*publish)(void *arg, const char *name, const char *text);
	void *arg;
	const struct scsi_op *op_tables[4];
	const struct mode_page **mode_pages; /* the persona's and ours, ascending */
	struct mode_page own_mode[3];	     /* 1D, 1E, 1Fh */
	uint8_t *geometry; /* bytes of page 1Eh: its length hangs on the pickers */

	/* used in turn (by commands that are not ANYTIME), or between scsi_lu_enter and leave */
	struct inventory *inventory;
	struct smc_drive *drives;
	unsigned ndrives;
	struct smc_template template[SMC_TEMPLATES];
	unsigned next_template;

	/* under lock, a leaf: nothing else is taken while it is held */
	pthread_mutex_t lock;
	unsigned aside;		  /* moves that wait for drives beside the others */
	struct smc_layout layout; /* changed in turn and under lock: either is enough to read */
	bool offline;
	bool door_open[DOOR_MAX + 1];
	struct smc_own own[SMC_OWN_MAX];
	uint64_t next_move;
	char last_error[256];
};

static inline struct smc *lu_smc(struct scsi_lu *lu)
{
	return lu->priv;
}

/* ---- layout.c APIs ---- */
/*
 * Addresses for a shape: the persona's where they fit, else past the others. -ERANGE: 65536 are
 * too few.
 */
int layout_make(const struct library_persona *p, const struct tree_shape *shape,
		struct smc_layout *ret);
bool layout_elem(const struct smc *s, uint16_t addr, struct elem *ret);
bool layout_address(const struct smc *s, const struct elem *e, uint16_t *ret);

/* ---- inventory.c APIs: in turn ---- */
int inventory_new(struct smc *s, struct inventory **ret);
void inventory_free(struct inventory *inv);
/*
 * What is in an element now: from what was seen last time where its directory has not changed
 * since.
 */
void inventory_get(struct smc *s, enum elem_type type, unsigned n, struct smc_content *ret);
void inventory_forget_all(struct smc *s);

/* ---- descriptor.c APIs: in turn ---- */
struct descriptor_form {
	bool voltag, dvcid;
};
/* Bytes of each descriptor of a type's page. */
unsigned descriptor_length(const struct smc *s, enum elem_type type, struct descriptor_form form);
void descriptor_put(struct smc *s, enum elem_type type, unsigned n, const struct smc_content *c,
		    struct descriptor_form form, struct reply *r);
/* Status page header; count: descriptors that the page has when nothing is cut off. */
void page_header_put(const struct smc *s, enum elem_type type, struct descriptor_form form,
		     unsigned count, struct reply *r);

/* ---- own.c APIs: any thread ---- */
uint64_t own_begin(struct smc *s);
void own_expect(struct smc *s, uint64_t move, const struct elem *e, const char *barcode);
void own_end(struct smc *s, uint64_t move);

/* ---- door.c, request.c, say.c APIs: any thread ---- */
bool door_is_open(struct smc *s, unsigned n);
int door_set(struct smc *s, unsigned n, bool open, char *why, size_t why_size);
void door_publish(struct smc *s);
void smc_restore(struct smc *s); /* what an earlier daemon left in the status files */
/* last_error: why a move or a door was refused; "" the next one has worked. */
void smc_say(struct smc *s, const char *error);

/* ---- mode.c ---- */
int smc_mode_make(struct smc *s, unsigned pickers);
void smc_mode_free(struct smc *s);

/* ---- ops.c ---- */
extern const struct scsi_op smc_ops[];

/* ---- handlers ---- */
struct sense smc_initialize(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_initialize_range(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_rezero(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_open_close(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_position(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_move_medium(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_exchange_medium(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_read_element_status(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_request_volume(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense smc_send_volume_tag(struct scsi_lu *lu, struct scsi_cmd *cmd);

#endif
