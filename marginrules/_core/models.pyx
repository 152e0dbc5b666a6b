# Compiled formulas as C structures: `marginrules.machine.Models` laid out once, when a rulebook is compiled.

cdef int build_code(Code* made, object code, ScenarioTable* tables) except -1:
    """Lay out one program."""
    cdef int32_t k, j, at = 0
    cdef int64_t offset
    made.constants = <double*>allocate(len(code.constants), sizeof(double))
    for k, value in enumerate(code.constants):
        made.constants[k] = value
    made.key_count = len(code.keys)
    if made.key_count > 16:
        raise ValueError(f"a program had {made.key_count} keys")
    made.keys = <int32_t*>allocate(made.key_count, sizeof(int32_t))
    for k, value in enumerate(code.keys):
        made.keys[k] = value
    for place, count in code.registers.items():
        made.registers[<int>place] = count
    made.array_tables = <int32_t*>allocate(len(code.arrays), sizeof(int32_t))
    made.array_offsets = <int64_t*>allocate(len(code.arrays), sizeof(int64_t))
    offset = (made.registers[AT_INSTRUMENT] + 3) & ~3
    for k, value in enumerate(code.arrays):
        made.array_tables[k], made.array_offsets[k] = value, offset
        offset += (tables[<int>value].count + 3) & ~<int64_t>3
    made.block_size = offset
    made.output_count, made.uses_orders, made.input_count = len(code.outputs), code.uses_orders, len(code.inputs)
    for k, value in enumerate(code.outputs):
        made.outputs[k] = value
    made.stage_count = len(code.stages)
    made.stages = <Stage*>allocate(made.stage_count, sizeof(Stage))
    made.instructions = <Instruction*>allocate(sum(len(one.instructions) for one in code.stages), sizeof(Instruction))
    for k, stage in enumerate(code.stages):
        made.stages[k].kind, made.stages[k].key, made.stages[k].table = stage.kind, stage.key, stage.table
        made.stages[k].first, made.stages[k].count = at, len(stage.instructions)
        if stage.table >= 0:
            made.tables |= <uint64_t>1 << <int>stage.table
            made.scenario_count_max = max(made.scenario_count_max, tables[<int>stage.table].count)
        for operation, destination, operands, extra in stage.instructions:
            made.instructions[at].operation, made.instructions[at].destination = operation, destination
            made.instructions[at].extra, made.instructions[at].count = extra, len(operands)
            for j, operand in enumerate(operands):
                made.instructions[at].operands[j] = operand
            at += 1
        made.stages[k].is_dot = (
            stage.kind == STAGE_POSITION_SCENARIO and len(stage.instructions) == 1
            and stage.instructions[0][0] == OP_TOTAL_PRODUCT
            and stage.instructions[0][1] >> PLACE_BITS == AT_SCENARIO
            and stage.instructions[0][2][0] >> PLACE_BITS == AT_POSITION
            and stage.instructions[0][2][1] >> PLACE_BITS == AT_ARRAY)
        for operation, _, operands, _ in stage.instructions:
            if operation in (OP_QUANTILE, OP_TAIL_MEAN) and operands[1] >> PLACE_BITS == AT_CONSTANT:
                made.stages[k].tail_count = max(
                    made.stages[k].tail_count,
                    tail_count(tables[<int>stage.table].count, min(made.constants[<int>operands[1]], 1.0)))
    return 0


cdef void free_code(Code* code) noexcept:
    free(code.constants)
    free(code.keys)
    free(code.array_tables)
    free(code.array_offsets)
    free(code.stages)
    free(code.instructions)


cdef int build_models(Program* p, object models) except -1:
    """Lay out scenario tables, tier tables, programs and portfolios."""
    cdef int32_t k, j
    cdef int64_t i, longest = 1
    cdef ScenarioTable* table
    p.scenario_table_count = len(models.scenarios)
    if p.scenario_table_count > 64:
        raise ValueError(f"a rulebook had {p.scenario_table_count} scenario tables")
    p.scenario_tables = <ScenarioTable*>allocate(p.scenario_table_count, sizeof(ScenarioTable))
    for k, one in enumerate(models.scenarios):
        table = p.scenario_tables + k
        table.count, table.column_count = one.count, len(one.columns)
        table.columns = <double*>allocate(table.count * table.column_count, sizeof(double))
        table.has_equal_weights = len(set(one.columns[0])) == 1
        longest = max(longest, table.count)
        for j, column in enumerate(one.columns):
            for i, value in enumerate(column):
                table.columns[j * table.count + i] = value
    p.unknown_series = <double*>allocate(longest, sizeof(double))
    for i in range(longest):
        p.unknown_series[i] = absent(MISSING_DATA)
    p.tier_table_count = len(models.tiers)
    p.tier_tables = <TierTable*>allocate(p.tier_table_count, sizeof(TierTable))
    for k, rows in enumerate(models.tiers):
        p.tier_tables[k].count = len(rows)
        p.tier_tables[k].rows = <double*>allocate(3 * len(rows), sizeof(double))
        for j, row in enumerate(rows):
            for i in range(3):
                p.tier_tables[k].rows[3 * j + i] = row[i]
    p.code_count = len(models.codes)
    p.codes = <Code*>allocate(p.code_count, sizeof(Code))
    for k, one in enumerate(models.codes):
        build_code(p.codes + k, one, p.scenario_tables)
        p.codes[k].program = p
    p.portfolio_count = len(models.portfolios)
    p.portfolios = <Portfolio*>allocate(p.portfolio_count, sizeof(Portfolio))
    for k, one in enumerate(models.portfolios):
        p.portfolios[k].by, p.portfolios[k].code = int(one.by), one.code
    build_strategies(p, models)
    p.pool_code = models.pool
    p.has_models = p.portfolio_count > 0 or p.pool_code >= 0
    return 0


cdef void free_models(Program* p) noexcept:
    cdef int32_t k
    for k in range(p.scenario_table_count):
        free(p.scenario_tables[k].columns)
    for k in range(p.tier_table_count):
        free(p.tier_tables[k].rows)
    for k in range(p.code_count):
        free_code(p.codes + k)
    free_strategies(p)
    free(p.scenario_tables)
    free(p.tier_tables)
    free(p.codes)
    free(p.portfolios)
    free(p.unknown_series)
