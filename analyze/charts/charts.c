/* The table of charts. */
#include "analyze/charts/charts.h"

const struct chart_row chart_rows[] = {
    {"learning", "accuracy and loss by epoch; right and wrong labels apart where the truth is known", NULL, NULL,
     false, learning_chart},
    {"forgetting", "how many samples were forgotten how often, and never learned", NULL, NULL, true,
     forgetting_chart},
    {"pr", "precision against recall over all thresholds of several scores",
     "correctness,forgetting-events,majority-disagreement,mean-correct-epoch-or-never",
     "aum,mean-loss,forgetting-events,mean-correct-epoch", true, precision_recall_chart},
};
const size_t chart_row_count = sizeof chart_rows / sizeof *chart_rows;
